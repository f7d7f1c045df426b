"""The invariants of a file's life (design, part 4.3), asserted over a world in which nothing is left to do."""

from hashlib import sha256
from itertools import pairwise

from family_exchange.adapters.landings import SET_ASIDE
from family_exchange.domain.file import ACCEPTED, ENDS, State, looks_unfinished
from support.simulator.world import PARTNERS, RECEIPTS, Broken


def judge(world):
    """Raise `Broken` when something does not hold in a world that is at rest."""
    ledger = world.ledger
    applied = [file for file, _, after in ledger.moves if after is State.APPLIED]
    _must(len(applied) == len(set(applied)), "a file was applied twice")
    accepted = [file for file in ledger.files.values() if file.state in ACCEPTED]
    _must(
        {file.file_id for file in accepted} == set(applied) == ledger.staged,
        "the staged rows are not those of the applied files",
    )
    contents = [(file.partner, file.columns_dropped) for file in accepted]
    _must(len(contents) == len(set(contents)), "one content was applied twice")
    numbers = [(file.partner, file.sequence) for file in accepted if file.sequence is not None]
    _must(len(numbers) == len(set(numbers)), "one number was applied twice")
    for file in ledger.files.values():
        _judge_file(world, file)
    never_had = {  # told of, and still there: workers died over it before it was in the vault
        (file.partner, file.name_bytes, file.size, file.modified_at)
        for file in ledger.files.values()
        if file.state in {State.QUARANTINED, State.REJECTED} and file.ct_sha256 is None
    }
    for partner in PARTNERS:
        for name, node in world.landing(partner).items():
            _must(not name.startswith(SET_ASIDE), "what we set aside was forgotten")
            known = (partner, name, len(node.data), node.modified_at) in never_had
            _must(known or looks_unfinished(name, len(node.data)), "a whole file was left lying")
        _judge_receipts(world, partner, world.folders[f"/{partner}/{RECEIPTS}"])


def _judge_receipts(world, partner, final):
    _must(not any(name.startswith(b".") for name in final), "half a receipt was left lying")
    files = {file.file_id: file for file in world.ledger.files.values() if file.partner == partner}
    last = {
        receipt_name(file, file.answers): file
        for file in files.values()
        if file.state is not State.GONE or file.receipt_at
    }
    for name, file in last.items():
        _must(name in final, "somebody was not told")
        told = b"%b %b" % (file.file_id.encode(), _TOLD.get(file.state, file.state).encode())
        _must(final[name].data == told, "the last thing that somebody was told is not so")
    for name in final:
        if name.endswith(b".json.pgp") and name not in last:
            file = files.get(name[:9].decode())
            earlier = file and [receipt_name(file, number) for number in range(1, file.answers + 1)]
            _must(file and name in earlier, "somebody was told of nothing")


def _judge_file(world, file):
    path = [(before, after) for file_id, before, after in world.ledger.moves if file_id == file.file_id]
    _must(not path or path[0][0] is State.SEEN, "a path does not begin where files begin")
    _must(all(one[1] is next_[0] for one, next_ in pairwise(path)), "a path has a gap")
    _must(file.state in ENDS, "a file has no end")
    if file.state is State.GONE:
        return
    quarantines = sum(before is State.QUARANTINED for before, _ in path)
    _must(file.receipt_at is not None and 1 <= file.answers <= 1 + quarantines, "a file was not answered once")
    if file.ct_sha256 is not None:
        _must(sha256(world.stored[file.ct_sha256]).digest() == file.ct_sha256, "the vault's bytes are others")
        _must(file.landing_removed_at is not None, "a landing file was not cleared")
    if file.state is State.CLOSED:
        message = world.messages.read(world.stored[file.ct_sha256])
        _must(message is not None and message.content == file.columns_dropped, "what was applied was not whole")


_TOLD = {State.CLOSED: State.APPLIED}
"""What a receipt says of a file that is closed as soon as it is told."""


def receipt_name(file, number):
    """The name of the file's first, second … receipt, as its partner finds it."""
    return f"{file.file_id}{f'-{number}' if number > 1 else ''}.json.pgp".encode()


def _must(holds, what):
    if not holds:
        raise Broken(what)
