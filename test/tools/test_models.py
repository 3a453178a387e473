# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models` as a user calls it, against a hub on this machine."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
import fcntl
import json
import os
from pathlib import Path
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from typing import Any

import cv2
from inference.tiny_bundle import write_bundle
from inference.tiny_form import PUBLISHED
from isolated import run_isolated
import numpy as np
import pytest
from tools.hub_server import REPOSITORY, Hub, serve

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model

NAME = 'sam2.1-hiera-tiny'
FETCH = ('fetch', NAME)
GRAPHS = ('mask_decoder', 'memory_attention', 'memory_encoder', 'pointer_tpos', 'vision_encoder')
WANTED = {'constants.json', 'README.md', 'LICENSE', *(f'onnx/{stage}.onnx' for stage in GRAPHS)}
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class User:
    """Somebody with a models folder, whose environment knows one hub."""

    models: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.models / NAME

    def command(self, *words: str) -> tuple[str, ...]:
        return (sys.executable, '-m', 'sam2_tracker_ros.tools', *words)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command('models', *words),
            cwd=self.models.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def succeed(self, *words: str) -> str:
        done = self.call(*words)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ''
        return done.stdout

    def fail(self, *words: str) -> str:
        """Expect one line on stderr, and no bundle."""
        done = self.call(*words)
        assert done.returncode == 2, done.stdout
        assert done.stderr.count('\n') == 1, done.stderr
        assert done.stdout == ''
        return done.stderr

    def listed(self, name: str = NAME) -> dict[str, Any]:
        bundles = json.loads(self.succeed('list', '--json'))
        found: dict[str, Any] = next(bundle for bundle in bundles if bundle['name'] == name)
        return found

    def record(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / 'fetched.json').read_text())
        return content


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as running:
        yield running


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Write what the hub publishes: the bundle, its card, and something of no use here."""
    folder = write_bundle(tmp_path / 'original', PUBLISHED)
    (folder / 'README.md').write_text('a card\n')
    (folder / 'LICENSE').touch()
    (folder / 'demo.html').write_text('a page\n')
    return folder


@pytest.fixture
def commit(hub: Hub, original: Path) -> str:
    return hub.publish(original, 'main', 'v1')


@pytest.fixture
def user(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> User:
    home = tmp_path / 'home'
    home.mkdir()
    models = home / 'models'
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(models))
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith('HF_') and not key.lower().endswith('_proxy')
    }
    kept |= {'HOME': str(home), 'HF_HOME': str(home / 'hub'), 'HF_ENDPOINT': hub.url}
    return User(models, kept | {'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)})


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def change_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_fetch_brings_the_published_files_unmodified(
    user: User, commit: str, original: Path
) -> None:
    said = user.succeed(*FETCH)
    assert commit in said
    assert str(user.folder) in said
    fetched = contents(user.folder)
    record = json.loads(fetched.pop('fetched.json'))
    published = contents(original)
    assert fetched == {name: published[name] for name in WANTED}
    assert (record['repository'], record['revision']) == (REPOSITORY, 'main')
    assert record['commit'] == commit
    assert set(record['files']) == WANTED
    assert [path.name for path in user.models.rglob('*.part')] == []


def test_a_fetched_bundle_is_found_by_name(user: User, commit: str, tmp_path: Path) -> None:
    user.succeed(*FETCH)
    model = load_model(ModelConfig(model=NAME))
    assert model.spec.name == NAME
    images = tmp_path / 'images'
    images.mkdir()
    for index in range(2):
        image = np.random.default_rng(index).integers(0, 256, (32, 32, 3), np.uint8)
        assert cv2.imwrite(str(images / f'{index}.png'), image)
    settings = 'min_object_score_logit=-10', 'min_predicted_iou=0', 'min_target_size_px=0'
    chosen = [word for setting in settings for word in ('--set', setting)]
    done = subprocess.run(
        user.command('replay', str(images), '--point', '16,1', '--model', NAME, *chosen),
        env=user.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert commit in user.succeed('list')


def test_the_list_says_what_is_there_and_what_can_be_had(user: User, commit: str) -> None:
    absent = user.listed()
    assert (absent['where'], absent['commit']) == ('', '')
    assert absent['command'] == f'sam2-tracker models fetch {NAME}'
    assert 'sam2-tracker export' in user.listed('efficienttam-ti-512')['command']
    assert f'not here; sam2-tracker models fetch {NAME}' in user.succeed()
    user.succeed(*FETCH)
    there = user.listed()
    assert there['where'] == str(user.folder)
    assert (there['family'], there['precision']) == ('sam2', 'fp32')
    graphs = user.folder.rglob('*.onnx')
    assert there['size_bytes'] == sum(path.stat().st_size for path in graphs)
    assert (there['repository'], there['commit']) == (REPOSITORY, commit)
    assert (there['command'], there['problem']) == ('', '')
    assert user.succeed() == user.succeed('list')
    assert json.loads(user.succeed('--json')) == json.loads(user.succeed('list', '--json'))


def test_nothing_but_fetch_speaks_to_the_hub(user: User, hub: Hub, commit: str) -> None:
    user.succeed('list')
    replay = user.command('replay', '.', '--point', '1,2', '--model', NAME)
    done = subprocess.run(
        replay, cwd=ROOT / 'docs', env=user.environment, capture_output=True, check=False
    )
    assert done.returncode == 2
    program = 'import sam2_tracker_ros.tools.models, sam2_tracker_ros.tools.model_download'
    subprocess.run([sys.executable, '-c', program], env=user.environment, cwd=ROOT, check=True)
    assert hub.requests == []
    assert not user.models.exists()


def test_an_absent_model_says_how_to_get_it(user: User) -> None:
    expected = f'is not on this machine.* {user.models}: run `sam2-tracker models fetch {NAME}`'
    with pytest.raises(ModelError, match=expected):
        load_model(ModelConfig(model=NAME))


def test_progress_is_shown_on_a_terminal(user: User, commit: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('4H', 24, 100, 0, 0))
    done = subprocess.run(
        user.command('models', *FETCH),
        env=user.environment,
        cwd=user.models.parent,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    shown = ''
    with suppress(OSError):  # Linux says so when the other end is closed
        while block := os.read(ours, 1 << 16):
            shown += block.decode()
    os.close(ours)
    assert done.returncode == 0
    assert 'constants.json:   0%' in shown
    assert 'README.md: 100%' in shown


def test_an_interrupted_fetch_goes_on_where_it_stopped(
    user: User, hub: Hub, commit: str, original: Path
) -> None:
    stalled = 'onnx/memory_attention.onnx'
    hub.stalls = {stalled}
    with subprocess.Popen(
        user.command('models', *FETCH),
        env=user.environment,
        cwd=user.models.parent,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert hub.stalled.wait(60.0)
        part = next(iter(user.models.rglob('memory_attention.onnx.part')), None)
        while part is None or part.stat().st_size == 0:
            assert process.poll() is None
            part = next(iter(user.models.rglob('memory_attention.onnx.part')), None)
            hub.is_closing.wait(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60.0)[1]
    assert process.returncode == 130
    assert said == 'sam2-tracker models: interrupted\n'
    assert user.listed()['where'] == ''
    kept = part.stat().st_size
    whole = (original / stalled).stat().st_size
    assert 0 < kept < whole
    arrived = {request.file for request in hub.transfers()}
    hub.stalls = set()
    hub.requests.clear()
    user.succeed(*FETCH)
    starts = {request.file: request.start for request in hub.transfers()}
    assert starts['memory_attention.onnx'] == kept
    assert set(starts) & arrived == {'memory_attention.onnx'}
    assert contents(user.folder)[stalled] == (original / stalled).read_bytes()


@pytest.mark.parametrize('ignores_ranges', [False, True])
def test_a_dropped_connection_is_taken_up_at_once(
    user: User, hub: Hub, commit: str, original: Path, ignores_ranges: bool
) -> None:
    hub.ignores_ranges = ignores_ranges
    hub.cuts = {'onnx/vision_encoder.onnx': 2}
    user.succeed(*FETCH)
    starts = [
        request.start for request in hub.transfers() if request.file == 'vision_encoder.onnx'
    ]
    assert starts[0] == 0 < starts[1] <= starts[2]
    assert (starts[1] < starts[2]) is not ignores_ranges
    name = 'onnx/vision_encoder.onnx'
    assert contents(user.folder)[name] == (original / name).read_bytes()


@pytest.mark.parametrize('name', ['constants.json', 'onnx/mask_decoder.onnx'])
def test_a_changed_byte_is_refused(
    user: User, hub: Hub, commit: str, original: Path, name: str
) -> None:
    wrong = bytearray((original / name).read_bytes())
    wrong[7] ^= 1
    hub.sent_instead = {name: bytes(wrong)}
    said = user.fail(*FETCH)
    assert f'{name} of {REPOSITORY} at {commit}' in said
    assert 'expected' in said
    assert 'fetch again' in said
    assert not user.folder.exists()
    assert list(user.models.rglob(f'{Path(name).name}*')) == []
    hub.sent_instead = {}
    hub.requests.clear()
    user.succeed(*FETCH)
    files = [request.file for request in hub.transfers()]
    assert Path(name).name in files
    assert len(files) <= len(WANTED)


def test_a_second_fetch_transfers_nothing(
    user: User, hub: Hub, commit: str, original: Path
) -> None:
    user.succeed(*FETCH)
    (original / 'README.md').write_text('a newer card\n')
    newer = hub.publish(original, 'main')
    hub.requests.clear()
    said = user.succeed(*FETCH)
    assert 'already there' in said
    assert commit in said
    assert hub.requests == []
    user.succeed(*FETCH, '--revision', 'main')
    assert [request.file for request in hub.transfers()] == ['README.md']
    assert user.record()['commit'] == newer
    assert (user.folder / 'README.md').read_text() == 'a newer card\n'
    user.succeed(*FETCH, '--revision', 'v1')
    assert user.record()['commit'] == commit
    assert (user.folder / 'README.md').read_text() == 'a card\n'
    hub.requests.clear()
    assert 'already there' in user.succeed(*FETCH, '--revision', commit)
    assert hub.transfers() == []
    assert {path.name for path in user.models.iterdir()} == {NAME, '.partial'}
    assert list((user.models / '.partial').iterdir()) == []


def test_another_commit_than_the_one_that_is_asked_for_is_refused(
    user: User, hub: Hub, commit: str
) -> None:
    asked = '0' * 40
    hub.revisions[asked] = commit
    assert f"answered with the commit '{commit}'" in user.fail(*FETCH, '--revision', asked)
    assert hub.transfers() == []


def test_a_file_that_was_changed_later_is_refused_and_repaired(
    user: User, hub: Hub, commit: str, original: Path
) -> None:
    user.succeed(*FETCH)
    damaged = user.folder / 'onnx' / 'pointer_tpos.onnx'
    change_byte(damaged)
    expected = rf'{damaged} is not the file that fetched.json names: .* run `sam2-tracker models '
    with pytest.raises(ModelError, match=expected):
        load_model(ModelConfig(model=NAME))
    assert 'pointer_tpos.onnx is not the file' in user.listed()['problem']
    (original / 'README.md').write_text('a newer card\n')
    hub.publish(original, 'main')
    hub.requests.clear()
    user.succeed(*FETCH)
    assert [request.file for request in hub.transfers()] == ['pointer_tpos.onnx']
    assert user.record()['commit'] == commit
    load_model(ModelConfig(model=NAME))


def test_a_file_that_is_not_recorded_is_refused(user: User, commit: str) -> None:
    user.succeed(*FETCH)
    record = user.record()
    del record['files']['constants.json']
    (user.folder / 'fetched.json').write_text(json.dumps(record))
    with pytest.raises(ModelError, match=r"fetched.json: 'constants.json' is missing"):
        load_model(ModelConfig(model=NAME))


def record_of(name: str, size: str) -> str:
    files = f'{{"{name}": {{"size_bytes": {size}, "sha256": "0"}}}}'
    return f'{{"repository": "a/b", "revision": "c", "commit": "d", "files": {files}}}'


@pytest.mark.parametrize(
    'content',
    [
        *('', '[]', '{}', '{"files": 3}', '{"files": {"a": 1}}', '[' * 100_000),
        *(record_of('a', '1e999'), record_of('../a', '1'), record_of('/etc/hostname', '1')),
    ],
)
def test_a_damaged_record_is_not_believed(user: User, commit: str, content: str) -> None:
    user.succeed(*FETCH)
    (user.folder / 'fetched.json').write_text(content)
    assert 'fetched.json is damaged' in user.listed()['problem']
    assert 'delete the folder' in user.fail(*FETCH)


def test_what_was_not_fetched_is_not_replaced(user: User, hub: Hub, original: Path) -> None:
    hub.publish(original, 'main')
    shutil.copytree(original, user.folder)
    before = contents(user.folder)
    assert 'move it away' in user.fail(*FETCH)
    assert contents(user.folder) == before
    assert hub.requests == []


def test_graphs_that_do_not_fit_get_no_name(user: User, hub: Hub, original: Path) -> None:
    graphs = original / 'onnx'
    shutil.copy(graphs / 'memory_encoder.onnx', graphs / 'pointer_tpos.onnx')
    hub.publish(original, 'main')
    said = user.fail(*FETCH)
    assert 'arrived as it is there, but cannot be used' in said
    assert 'pointer_tpos.onnx' in said
    assert not user.folder.exists()


def test_models_live_in_the_data_home(user: User, commit: str, tmp_path: Path) -> None:
    user.environment['XDG_DATA_HOME'] = str(tmp_path / 'data')
    del user.environment['SAM2_TRACKER_MODELS']
    user.succeed(*FETCH)
    assert user.listed()['where'] == str(tmp_path / 'data' / 'sam2_tracker_ros' / 'models' / NAME)
    del user.environment['XDG_DATA_HOME']
    assert user.listed()['where'] == ''
    user.succeed(*FETCH)
    folder = Path(user.environment['HOME']) / '.local/share/sam2_tracker_ros/models' / NAME
    assert user.listed()['where'] == str(folder)


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (('fetch',), 'NAME'),
        (('fetch', 'giant'), f"no published model is called 'giant'; expected {NAME}"),
        (('fetch', '../x'), "no published model is called '../x'"),
        (('fetch', 'efficienttam-ti-512'), 'is not published; make it: sam2-tracker export'),
        ((*FETCH, '--revision', 'v7'), f"{REPOSITORY} has no revision 'v7'"),
        (('sing',), 'sing'),
    ],
)
def test_a_wrong_word_is_one_clear_line(
    user: User, commit: str, words: tuple[str, ...], expected: str
) -> None:
    assert expected in user.fail(*words)
    assert not user.folder.exists()


@pytest.mark.parametrize(
    ('variable', 'value', 'expected'),
    [
        ('HF_ENDPOINT', 'http://127.0.0.1:9', 'http://127.0.0.1:9 cannot be reached ('),
        ('HTTP_PROXY', 'http://127.0.0.1:9', 'cannot be reached ('),
        ('HF_HUB_OFFLINE', '1', 'HF_HUB_OFFLINE forbids downloads; unset it'),
        ('SAM2_TRACKER_MODELS', 'models', 'is no absolute path; set SAM2_TRACKER_MODELS'),
    ],
)
def test_without_a_way_to_the_hub_one_line_says_so(
    user: User, hub: Hub, commit: str, variable: str, value: str, expected: str
) -> None:
    user.environment[variable] = value
    assert expected in user.fail(*FETCH)
    assert hub.requests == []
    assert not user.models.exists()


@pytest.mark.parametrize(
    ('path', 'status', 'code', 'expected'),
    [
        ('/api/models/', 404, 'RepoNotFound', f'does not show {REPOSITORY} (HTTP 404)'),
        ('/api/models/', 401, '', 'does not show .* hf auth login'),
        ('/api/models/', 503, '', 'answered HTTP 503 .* again later'),
        ('/api/models/', 200, '', 'did not answer as a Hugging Face hub does'),
        ('/resolve/', 403, 'GatedRepo', 'does not show .* hf auth login'),
        ('/resolve/', 403, '', 'does not show .* hf auth login'),
        ('/large/', 500, '', 'answered HTTP 500 .* what has arrived is kept'),
    ],
)
def test_a_hub_that_refuses_is_one_clear_line(
    user: User, hub: Hub, commit: str, path: str, status: int, code: str, expected: str
) -> None:
    hub.refusals = {path: (status, code)}
    said = user.fail(*FETCH)
    start, _, end = expected.partition(' .* ')
    assert start in said
    assert end in said
    assert user.listed()['where'] == ''


@pytest.mark.parametrize(
    ('name', 'changes', 'expected'),
    [
        ('onnx/mask_decoder.onnx', {'rfilename': 'x'}, 'has no onnx/mask_decoder.onnx; expected'),
        ('constants.json', {'blobId': None}, 'names no digest or size for constants.json'),
        (
            'onnx/mask_decoder.onnx',
            {'lfs': {'sha256': '0' * 64, 'size': 10**18, 'pointerSize': 130}},
            'MB free; expected 1000000000000.0 MB: make room',
        ),
    ],
)
def test_a_repository_that_cannot_be_had_transfers_nothing(
    user: User, hub: Hub, commit: str, name: str, changes: dict[str, Any], expected: str
) -> None:
    hub.described_instead = {name: changes}
    assert expected in user.fail(*FETCH)
    assert hub.transfers() == []
    assert user.listed()['where'] == ''


def test_a_full_disk_is_one_clear_line(user: User, commit: str) -> None:
    """As far as a limit on the size of files resembles one."""
    limited = ['sh', '-c', 'ulimit -f 4; exec "$@"', 'sh', *user.command('models', *FETCH)]
    # What coverage.py writes down is larger.
    unmeasured = {k: v for k, v in user.environment.items() if not k.startswith('COVERAGE_')}
    done = subprocess.run(
        limited,
        env=unmeasured,
        cwd=user.models.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1
    assert 'cannot be written' in done.stderr
    assert user.listed()['where'] == ''
    user.succeed(*FETCH)


def test_without_huggingface_hub_one_line_says_what_to_install() -> None:
    program = """
        import sys
        from sam2_tracker_ros.tools import main
        sys.stderr = sys.stdout
        assert main(['models']) == 0
        print('status', main(['models', 'fetch', 'sam2.1-hiera-tiny']))
    """
    said = run_isolated(ROOT, program, absent=('huggingface_hub',)).splitlines()
    assert "python3 -m pip install 'huggingface_hub>=1,<3'" in said[-2]
    assert said[-1] == 'status 2'
