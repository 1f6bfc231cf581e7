"""Versions of a model and their labels, as their owner and their users meet them."""

import asyncio

import numpy as np
import pytest

import blindai
import onnx_models

ONE = np.ones(1, np.float32)


def test_an_owner_tries_a_new_version_beside_the_stable_one_and_goes_back(client):
    def answer(**options):
        return client.predict("story", ONE, **options).output[0].as_flat()[0]

    first = client.upload_model(onnx_models.scaler(2), model_id="story", versions="latest:2", label="stable")
    assert (first.version, first.versions, first.labels, first.version_policy) == (1, [1], {"stable": 1}, "latest:2")
    second = client.upload_model(onnx_models.scaler(3), model_id="story", label="canary")
    try:
        assert (second.version, second.versions) == (2, [1, 2])
        assert [answer(), answer(version="stable"), answer(version="canary"), answer(version=1)] == [3, 2, 3, 2]
        # One row of the list is the model.
        assert [m.versions for m in client.models() if m.id == "story"] == [[1, 2]]

        # The new one proves good, and then it does not.
        assert client.change_model("story", labels={"stable": 2}).labels == {"stable": 2, "canary": 2}
        assert answer(version="stable") == 3
        client.change_model("story", labels={"stable": 1, "canary": None})
        assert [answer(version="stable"), answer()] == [2, 3]
        client.delete_model("story", version=2)
        assert [answer(), client.model("story").versions] == [2, [1]]
        with pytest.raises(blindai.ModelError, match="model-not-found|no model 'story'"):
            answer(version="canary")

        # No number comes twice; what has a label stays, whatever is newer.
        for factor in (4, 5, 6):
            third = client.upload_model(onnx_models.scaler(factor), model_id="story")
        assert (third.version, third.versions) == (5, [1, 4, 5])
        assert client.change_model("story", versions="latest").versions == [1, 5]
    finally:
        client.delete_model("story")
    with pytest.raises(blindai.ModelError):
        client.model("story", version="stable")


def test_versions_of_other_shapes_get_their_own_inputs(client):
    client.upload_model(onnx_models.adder(), model_id="shapes", versions="all", label="two")
    client.upload_model(onnx_models.scaler(2), model_id="shapes")
    try:
        assert client.predict("shapes", [1.0]).output[0].as_flat() == [2]
        assert client.predict("shapes", ([1.0], [2.0]), version="two").output[0].as_flat() == [3]
        assert [i.name for i in client.model("shapes", 1).inputs] == ["a", "b"]
    finally:
        client.delete_model("shapes")


def test_words_that_cannot_be_meant_are_refused(client):
    client.upload_model(onnx_models.scaler(2), model_id="words")
    try:
        for version in ("", 0, -1, True, 1.5, "Stable", "1/../2"):
            for call in (client.model, client.delete_model, lambda m, v: client.predict(m, ONE, version=v)):
                with pytest.raises(ValueError):
                    call("words", version)
        for labels in ({"stable": "1"}, {"stable": 0}, {"1": 1}):
            with pytest.raises(ValueError):
                client.change_model("words", labels=labels)
        with pytest.raises(ValueError, match="latest"):
            client.change_model("words", versions="newest")
        with pytest.raises(ValueError, match="latest"):
            client.upload_model(onnx_models.scaler(2), model_id="words", versions="newest")
        with pytest.raises(blindai.ModelError):
            client.change_model("words", labels={"stable": 2})
        with pytest.raises(blindai.ModelError, match="version 2"):
            client.upload_model(onnx_models.scaler(2), model_id="words", versions="specific:1")
        assert client.model("words").versions == [1]
    finally:
        client.delete_model("words")


def test_the_awaitable_client_has_versions_too(server):
    async def work():
        async with blindai.AsyncClient(server.address, simulation=True) as client:
            await client.upload_model(onnx_models.scaler(2), "awaited", versions="all", label="stable")
            await client.upload_model(onnx_models.scaler(3), "awaited")
            try:
                answers = [await client.predict("awaited", ONE, version=v) for v in (None, 1, "stable")]
                assert [a.output[0].as_flat()[0] for a in answers] == [3, 2, 2]
                assert (await client.change_model("awaited", labels={"stable": 2})).labels == {"stable": 2}
                await client.delete_model("awaited", version=1)
                assert (await client.model("awaited", version="stable")).versions == [2]
            finally:
                await client.delete_model("awaited")

    asyncio.run(work())
