"""client.transcribe_job against a real server and the demo model."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

import blindai
import raw_http
from conftest import BIN, DEMO
from simulated_server import SimulatedServer

HELLO = DEMO / "hello_world.wav"
SESSION = DEMO / "session.wav"


def test_the_result_is_what_transcribe_gives_in_every_format(client, speech):
    for format in ("verbose_json", "json", "diarized_json", "text", "srt", "vtt"):
        now, later = (call(HELLO, speech, format=format) for call in (client.transcribe, client.transcribe_job))
        result = later.result()
        assert str(result) == str(now)
        assert isinstance(result, str) == (format in ("text", "srt", "vtt"))
    assert result is later.result()


def test_another_process_fetches_it_by_its_reference_or_by_id_and_token(client, server, speech):
    job = client.transcribe_job(SESSION, speech, format="text")
    assert job.id in repr(job) and job.token not in repr(job)
    script = ("import blindai, os\nwith blindai.connect(simulation=True) as client:\n"
              "    print(client.job(os.environ['REFERENCE']).result(keep=True), end='')")
    environment = {**os.environ, "BLINDAI_ADDR": server.address, "REFERENCE": job.reference}
    other = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout == client.job(job.id, job.token).result() == client.transcribe(SESSION, speech, format="text")
    with pytest.raises(blindai.ModelError) as error:
        job.result()
    assert error.value.code == "job-not-found", "the server forgets what was fetched"


def test_progress_goes_from_nothing_to_the_whole_recording(client, speech):
    job = client.transcribe_job(SESSION, speech)
    assert job.status() in ("queued", "running", "completed")
    job.result(keep=True)
    assert job.status() == "completed"
    assert job.progress() == (pytest.approx(60, abs=0.1), pytest.approx(60, abs=0.1))
    job.cancel()


def test_bytes_are_counted_while_it_goes_out_and_what_the_callback_raises_ends_it(client, speech):
    seen = []
    client.transcribe_job(HELLO, speech, progress=lambda sent, total: seen.append((sent, total))).result()
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] > HELLO.stat().st_size

    def progress(sent, total):
        raise KeyError

    with pytest.raises(KeyError):
        client.transcribe_job(HELLO, speech, progress=progress)


def test_waiting_may_end_before_the_work(client, speech):
    job = client.transcribe_job(SESSION, speech)
    with pytest.raises(TimeoutError):
        job.result(timeout=0)
    assert job.result(timeout=600).text


def test_one_that_is_cancelled_is_unknown(client, server, speech):
    job = client.transcribe_job(SESSION, speech)
    job.cancel()
    for ask in (job.status, job.progress, job.result, job.cancel):
        with pytest.raises(blindai.ModelError) as error:
            ask()
        assert error.value.code == "job-not-found"
    end = time.monotonic() + 60
    while raw_http.metrics(server)["blindai_jobs_running"]:
        assert time.monotonic() < end
        time.sleep(0.05)  # tidy: allow sleep: the server tells nobody when a cancelled job has ended
    assert raw_http.metrics(server)["blindai_jobs_kept"] == 0


def test_a_guessed_token_opens_nothing(client, speech):
    job = client.transcribe_job(HELLO, speech)
    job.result(keep=True)
    for reference in (f"{job.id}.{'0' * 64}", f"job-{'0' * 32}.{job.token}"):
        with pytest.raises(blindai.ModelError) as error:
            client.job(reference).result()
        assert error.value.code == "job-not-found"
    with pytest.raises(ValueError, match="reference"):
        client.job("job").status()
    job.cancel()


def test_errors_are_those_of_the_transcription(client, speech):
    with pytest.raises(blindai.ModelError) as error:
        client.transcribe_job(b"a letter", speech).result()
    assert (error.value.code, error.value.param) == ("audio-not-recognised", "file")
    for options, kind in (({"model": "nobody"}, blindai.ModelError), ({"keywords": ["CAFÉ 24"]}, blindai.ModelError),
                          ({"format": "docx"}, ValueError), ({"timeout": 0}, ValueError)):
        with pytest.raises(kind):
            client.transcribe_job(HELLO, **{"model": speech, **options})


def test_a_full_server_and_one_that_forgets_soon(tmp_path):
    (tmp_path / "server.toml").write_text("[limits]\njobs_per_tenant = 1\njob_kept_s = 1\n")
    with open(tmp_path / "log", "w") as log, SimulatedServer("--config", str(tmp_path / "server.toml"),
                                                             program=BIN / "blindai-server", log=log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech")
            job = client.transcribe_job(SESSION, "speech")
            with pytest.raises(blindai.QuotaError) as error:
                client.transcribe_job(HELLO, "speech")
            assert error.value.code == "jobs-full"
            end = time.monotonic() + 60
            with pytest.raises(blindai.ModelError) as error:
                while time.monotonic() < end:
                    job.status()
                    time.sleep(0.1)  # tidy: allow sleep: the server tells nobody when a job's time is over
            assert error.value.code == "job-not-found"
            assert client.transcribe_job(HELLO, "speech").result().text.startswith("HELLO")


def test_the_same_awaited(server, speech):
    async def main():
        async with blindai.AsyncClient(server.address, simulation=True) as client:
            jobs = await asyncio.gather(*(client.transcribe_job(HELLO, speech, format="text") for _ in range(3)))
            texts = [await client.job(jobs[0].reference).result(keep=True)]
            texts += await asyncio.gather(*(job.result(timeout=600) for job in jobs))
            assert len(set(texts)) == 1 and texts[0].startswith("HELLO")
            long_one = await client.transcribe_job(SESSION, speech)
            with pytest.raises(TimeoutError):
                await long_one.result(timeout=0)
            assert await long_one.status() in ("queued", "running", "completed")
            assert (await long_one.progress())[0] >= 0
            await long_one.cancel()

    asyncio.run(main())
