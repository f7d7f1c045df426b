"""Lines that harm people have no place in what runs; each rule finds a bad line and lets a good one pass."""

import ast

import pytest

from support import sins

BAD = {
    "unknown_host": [
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
        "from paramiko import WarningPolicy",
    ],
    "any_host": ["asyncssh.connect(host, known_hosts=None)", "connect(**{'known_hosts': None})"],
    "any_certificate": ["httpx.get(url, verify=False)"],
    "shell": [
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "run(**{'shell': True})",
        "run(line, shell=asked)",
    ],
    "pickle": ["import pickle", "from cloudpickle import loads", "import joblib.numpy_pickle"],
    "yaml_load": ["yaml.load(text)", "yaml.load(text, Loader=yaml.FullLoader)", "yaml.unsafe_load(text)"],
    "eval": ["eval(text)", "exec(text)", "__import__(name)"],
    "foreign_words": [
        "try: f()\nexcept psycopg.Error as error: log.warning('it failed: %s', error)",
        "try: f()\nexcept ValueError as error: raise DataRefused('X', str(error))",
        "try: f()\nexcept Exception as error: told = f'it failed: {error}'",
        "try: f()\nexcept (TryLater, OSError) as error: print(repr(error))",
        "try: f()\nexcept ValueError as error: log.error('%s', error.args)",
    ],
    "traceback": ["log.error('x', exc_info=True)", "log.exception('x')", "traceback.format_exc()"],
    "typed_statement": [
        "connection.execute(f'SELECT 1 FROM person WHERE name = {name}')",
        "connection.execute('SELECT %s' % name)",
        "connection.execute('SELECT ' + name)",
        "connection.execute('SELECT {}'.format(name))",
        "connection.execute(f'SELECT {name}'.encode())",
        "sql.SQL(f'SELECT {name}')",
    ],
    "splitlines": ["content.splitlines()"],
    "lost_text": ["data.decode('utf-8', 'ignore')", "open(path, errors='ignore')", "data.decode(errors='ignore')"],
    "posix_rename": ["session.posix_rename(old, new)"],
}

GOOD = {
    "unknown_host": ["transport.get_remote_server_key()"],
    "any_host": ["asyncssh.connect(host, known_hosts=pinned)"],
    "any_certificate": ["httpx.get(url, verify=bundle)"],
    "shell": ["subprocess.run([program, line])", "subprocess.run([program], shell=False)"],
    "pickle": ["import json"],
    "yaml_load": ["yaml.safe_load(text)", "yaml.load(text, Loader=yaml.CSafeLoader)", "json.load(file)"],
    "eval": ["model.eval()", "ast.literal_eval(text)"],
    "foreign_words": [
        "try: f()\nexcept ExchangeError as error: log.warning('%s', error)",
        "try: f()\nexcept (TryLater, NeedsDecision) as error: print(str(error))",
        "try: f()\nexcept OSError as error: raise TryLater(f'errno {error.errno}')",
        "try: f()\nexcept psycopg.Error as error: raise reduced(error)",
        "try: f()\nexcept Exception as error: log.error('%s', type(error).__name__)",
    ],
    "traceback": ["log.error('x')", "log.error('x', exc_info=False)", "future.exception()"],
    "typed_statement": [
        "connection.execute('SELECT 1 FROM person WHERE name = %s', (name,))",
        "connection.execute(f'{_PARTNERS} ORDER BY partner')",
        "sql.SQL('SELECT {}').format(sql.Identifier(name))",
        "template.format(name)",
    ],
    "splitlines": ["content.split(b'\\n')"],
    "lost_text": ["data.decode('utf-8', 'replace')", "data.decode()"],
    "posix_rename": ["session.rename(old, new)"],
}
BY_NAME = {sin.name: sin for sin in sins.SINS}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in BAD.items() for line in lines])
def test_each_rule_finds_a_bad_line_wherever_it_stands(name, line):
    assert sins.found(ast.parse(line), BY_NAME[name])
    within = "def stage():\n" + "\n".join(f"    {part}" for part in line.split("\n"))
    assert sins.found(ast.parse(within), BY_NAME[name])


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in GOOD.items() for line in lines])
def test_each_rule_lets_a_good_line_pass(name, line):
    assert sins.found(ast.parse(line), BY_NAME[name]) == []


def test_every_rule_was_shown_both():
    assert BAD.keys() == GOOD.keys() == BY_NAME.keys()


def test_nothing_that_runs_has_such_a_line():
    wrong, needed = set(), set()
    for file in sins.files():
        tree = ast.parse((sins.ROOT / file).read_text())
        for sin in sins.SINS:
            lines = sins.found(tree, sin)
            known = sins.explanations(sin.name, file) if lines else []
            needed |= set(known)
            if len(lines) > sum(sins.EXPLAINED[key][0] for key in known):
                wrong.add(f"{file}:{lines[0]} {sin.name}: {sin.why} (lines {lines})")
    assert wrong == set(), "write it another way; or read it, and explain it in tests/support/sins.py"
    assert sins.EXPLAINED.keys() - needed == set(), "these explanations are needed no more"


def test_what_runs_was_looked_at():
    assert len(sins.files()) > 200
    assert any(file.startswith("dags/") for file in sins.files())
