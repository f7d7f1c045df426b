"""Whether anything changed on a server, asked of both real servers by one who only waits."""

import asyncio
import os
from dataclasses import replace

import pytest

from family_exchange.adapters.sftp import listing_digest
from family_exchange.demo import keys
from family_exchange.domain.errors import TryLater

ODD = b"weekly\xff\xfe.csv.pgp"


def digest(site, *folders):
    return asyncio.run(listing_digest(site.endpoint, [site.folder(one) for one in folders] or [site.folder()]))


def test_the_digest_of_a_listing_changes_with_every_change_and_only_then(site):
    seen = [digest(site)]
    site.put(b"a.pgp", b"1", modified_at=1000)
    seen.append(digest(site))
    site.put(ODD, b"2", modified_at=1000)
    seen.append(digest(site))
    site.put(b"a.pgp", b"11", modified_at=1000)
    seen.append(digest(site))
    site.put(b"a.pgp", b"11", modified_at=1001)
    seen.append(digest(site))
    site.disk(b"a.pgp").unlink()
    seen.append(digest(site))
    assert [count for count, _ in seen] == [0, 1, 2, 2, 2, 1]
    assert len({text for _, text in seen}) == 6
    assert digest(site) == seen[-1]


def test_the_digest_tells_no_name_and_counts_files_only(site):
    site.put(b"a.pgp")
    site.disk(b"folder").mkdir()
    os.mkfifo(site.disk(b"pipe"))
    count, text = digest(site, "police/police_incidents", "schools/school_attendance", "not/there")
    assert count == 1
    assert len(text) == 64
    assert digest(site, "schools/school_attendance", "police/police_incidents") == (count, text)


def test_a_watch_on_the_wrong_server_is_refused(site, tmp_path):
    other = keys.ssh(tmp_path, "other")
    for wrong in ({"host_key": other.public_key}, {"private_key": other.private_key}, {"port": 1}):
        with pytest.raises(TryLater, match=r"127\.0\.0\.1"):
            asyncio.run(listing_digest(replace(site.endpoint, **wrong), [site.folder()]))
