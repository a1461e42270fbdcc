"""Sessions in images that are not as drybox would have made them."""

from __future__ import annotations

import pytest
from tests.support.daemon import Daemon

from drybox import CodeExecutor, DockerSettings, Unsupported

pytestmark = pytest.mark.promise("SES-1")


def test_an_image_without_bash_has_its_plain_shell(
    docker_daemon: Daemon, busybox_image: str
) -> None:
    settings = DockerSettings(host=docker_daemon.host, images={"python": busybox_image})
    with (
        CodeExecutor(isolation="docker", docker=settings, pool=None) as executor,
        executor.session("python") as session,
    ):
        assert session.run("6 * 7").results[0].data["text/plain"] == "42"
        done = session.command("echo $0; command -v python3 | wc -l", env={"A": "1"})
        assert (done.stdout, done.exit_code) == ("sh\n1\n", 0)
        process = session.start("echo on; exit 3")
        assert process.wait().exit_code == 3
        assert session.command(["bash", "-c", "true"]).exit_code == 127
        with pytest.raises(Unsupported, match="bash"):
            session.run("echo on", language="bash")
        for language in ("node", "go", "c"):
            with pytest.raises(Unsupported) as caught:
                session.run("1", language=language)
            assert "images" in caught.value.hint
        assert session.run("6 * 7").status == "success"
