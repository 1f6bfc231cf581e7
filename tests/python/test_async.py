"""The awaitable client: the same calls, at the same time."""

import asyncio
import inspect

import numpy as np
import pytest

import blindai
import onnx_models


def test_it_offers_what_the_other_offers():
    def public(cls):
        return {name for name, value in vars(cls).items()
                if not name.startswith("_") and (callable(value) or isinstance(value, property))}

    assert public(blindai.AsyncClient) - {"connect"} == public(blindai.Client)
    for name in ("upload_model", "predict", "models", "model", "delete_model"):
        one, other = (inspect.signature(getattr(cls, name)) for cls in (blindai.Client, blindai.AsyncClient))
        assert one == other
    # BlindAI 0.5 had no client to await.
    one, other = ([name for name in inspect.signature(call).parameters if not name.endswith("of_05")]
                  for call in (blindai.connect, blindai.AsyncClient))
    assert one == other


def test_calls_run_at_the_same_time(server):
    async def work():
        async with blindai.AsyncClient(server.address, simulation=True) as client:
            assert client.verdict.outcome == "simulation" and client.addr == server.address
            model = await client.upload_model(onnx_models.adder())
            assert model.id in [m.id for m in await client.models()]
            assert (await client.model(model.id)).sha256 == model.sha256
            inputs = [np.full(3, number, np.float32) for number in range(20)]
            answers = await asyncio.gather(*(client.predict(model.id, {"a": a, "b": a}) for a in inputs))
            assert [answer.output[0].as_flat() for answer in answers] == [[2 * number] * 3 for number in range(20)]
            await client.delete_model(model.id)

    asyncio.run(work())


def test_errors_are_the_same(server):
    async def work():
        with pytest.raises(blindai.AttestationError):
            await blindai.AsyncClient(server.address).connect()
        client = blindai.AsyncClient(server.address, simulation=True)
        with pytest.raises(RuntimeError, match="connect"):
            await client.models()
        assert await client.connect() is client
        with pytest.raises(blindai.ModelError):
            await client.model("no-such-model")
        with pytest.raises(ValueError):
            await client.model("../x")
        await client.close()

    asyncio.run(work())
