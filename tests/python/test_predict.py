"""Running models: every way to give inputs, every datatype, and what is refused."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import blindai
import onnx_models

torch = pytest.importorskip("torch", reason="torch is not installed")


def test_inputs_come_in_many_ways(client, adder):
    a, b, total = [1.0, 2.5], [3.0, 4.0], [4.0, 6.5]
    array = np.array
    for inputs in ((a, b), (array(a, np.float32), b), [array(a, np.float32), array(b, np.float32)], {"a": a, "b": b},
                   {"b": array(b, np.float32), "a": torch.tensor(a)},
                   (torch.tensor(a), torch.tensor(b, requires_grad=True))):
        response = client.predict(adder, inputs)
        assert response.model_id == adder
        assert response.output[0].as_flat() == total
        assert response.output["total"].as_torch().tolist() == total
        np.testing.assert_array_equal(response.output[0].as_numpy(), np.array(total, np.float32))


def test_one_input_needs_no_name(client, upload):
    name = upload(onnx_models.linear())
    rows = np.ones((2, 4), np.float32)
    for inputs in (rows, rows.tolist(), torch.ones(2, 4), {"x": rows}, (rows,), [rows], np.asfortranarray(rows),
                   np.ones((4, 2), np.float32).T, rows.astype(">f4"), np.ones((4, 4), np.float32)[::2]):
        response = client.predict(name, inputs)
        assert response.output["y"].shape == (2, 3)
        np.testing.assert_array_equal(response.output["y"].as_numpy(), [[6, 10, 14], [6, 10, 14]])


def test_outputs_come_by_position_by_name_and_by_choice(client, upload):
    name = upload(onnx_models.linear())
    response = client.predict(name, [[1.0, 0, 0, 0]])
    assert response.output.names() == ["y", "twice"]
    assert len(response.output) == 2
    assert [output.name for output in response.output] == ["y", "twice"]
    assert response.output[-1].name == "twice"
    assert repr(response.output[0]) == "<blindai.Output y: FP32 [1, 3]>"
    with pytest.raises(KeyError, match="there are y, twice"):
        response.output["z"]
    with pytest.raises(IndexError):
        response.output[2]
    assert client.predict(name, [[1.0, 0, 0, 0]], outputs=["twice"]).output.names() == ["twice"]
    with pytest.raises(blindai.ModelError):
        client.predict(name, [[1.0, 0, 0, 0]], outputs=["z"])


@pytest.mark.parametrize("element, dtype", [
    (onnx_models.UINT8, np.uint8), (onnx_models.INT8, np.int8), (onnx_models.UINT16, np.uint16),
    (onnx_models.INT16, np.int16), (onnx_models.UINT32, np.uint32), (onnx_models.INT32, np.int32),
    (onnx_models.INT64, np.int64), (onnx_models.FLOAT16, np.float16), (onnx_models.FLOAT, np.float32)])
def test_numbers_come_back_as_they_went(client, upload, element, dtype):
    name = upload(onnx_models.same(element))
    limits = np.iinfo(np.int32 if dtype == np.int64 else dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    sent = np.array([0, 1, limits.min, limits.max], dtype)
    back = client.predict(name, sent).output[0].as_numpy()
    assert back.dtype == sent.dtype
    np.testing.assert_array_equal(back, sent)
    from_list = client.predict(name, sent.tolist()).output[0].as_numpy()
    np.testing.assert_array_equal(from_list, sent)


def test_truth_values_come_back_inverted(client, upload):
    name = upload(onnx_models.inverse())
    for sent in (np.array([True, False]), [True, False], torch.tensor([True, False])):
        output = client.predict(name, sent).output[0]
        assert output.as_flat() == [False, True]
        assert output.as_torch().dtype == torch.bool


def test_bf16_goes_as_torch_as_bits_and_as_lists(client, upload):
    name = upload(onnx_models.same(onnx_models.BFLOAT16))
    values = [0.0, 1.0, -2.5, 3.0e38]
    bits = torch.tensor(values, dtype=torch.bfloat16)
    rounded = bits.float().tolist()
    for sent in (bits, bits.view(torch.int16).numpy().view(np.uint16), values):
        output = client.predict(name, sent).output[0]
        assert output.datatype == "BF16"
        assert output.as_torch().dtype == torch.bfloat16
        assert output.as_torch().float().tolist() == rounded
        assert np.asarray(output.as_numpy(), np.float32).tolist() == rounded


def test_not_a_number_and_infinity_go_through(client, upload):
    name = upload(onnx_models.same(onnx_models.FLOAT))
    sent = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    np.testing.assert_array_equal(client.predict(name, sent).output[0].as_numpy(), sent)


def test_an_output_is_an_array_that_outlives_its_client(server):
    with blindai.connect(server.address, simulation=True) as client:
        client.upload_model(onnx_models.same(onnx_models.FLOAT), model_id="outlives")
        array = client.predict("outlives", np.arange(1000, dtype=np.float32)).output[0].as_numpy()
        client.delete_model("outlives")
    del client
    array += 1
    np.testing.assert_array_equal(array, np.arange(1, 1001, dtype=np.float32))
    assert array.flags.aligned


def test_wrong_inputs_are_found_here(client, adder):
    for inputs, error, words in [
            ([1.0, 2.0], ValueError, "2 inputs"), (([1.0],), ValueError, "2 inputs"),
            ({"a": [1.0], "c": [1.0]}, ValueError, "no input 'c'"), ({1: [1.0], "b": [1.0]}, TypeError, "must be str"),
            (([True], [False]), TypeError, "truth values"), (([1.0, [2.0]], [1.0]), ValueError, "ragged"),
            ((["x"], ["y"]), TypeError, "numbers or truth values"),
            ((np.array([1j]), np.array([1j])), TypeError, "no datatype"),
            ((np.array([{}]), [1.0]), TypeError, "bytes or str")]:
        with pytest.raises(error, match=words):
            client.predict(adder, inputs)


def test_wrong_inputs_are_found_by_the_server(client, adder):
    def floats(*shape):
        return np.zeros(shape, np.float32)

    for inputs, code in [({"a": floats(2)}, "tensor-name"),
                         ({"a": floats(2), "b": floats(2), "c": floats(2)}, "tensor-name"),
                         ({"a": floats(2), "b": np.zeros(2)}, "tensor-dtype"),
                         ({"a": floats(2), "b": floats(2, 2)}, "tensor-shape")]:
        with pytest.raises(blindai.ModelError) as error:
            client.predict(adder, inputs)
        assert error.value.code == code
    assert client.predict(adder, {"a": floats(2), "b": floats(2)}).output[0].as_flat() == [0, 0]


def test_numbers_of_a_list_must_fit(client, upload):
    name = upload(onnx_models.same(onnx_models.UINT8))
    with pytest.raises(ValueError, match="0 to 255"):
        client.predict(name, [256])
    with pytest.raises(TypeError, match="fractions"):
        client.predict(name, [0.5])


def test_a_model_that_was_replaced_is_looked_at_again(client, server):
    client.upload_model(onnx_models.same(onnx_models.FLOAT), model_id="changing")
    assert client.predict("changing", [1]).output[0].datatype == "FP32"
    with blindai.connect(server.address, simulation=True) as other:
        other.delete_model("changing")
        other.upload_model(onnx_models.same(onnx_models.INT32), model_id="changing")
    with pytest.raises(blindai.ModelError):
        client.predict("changing", [1])
    assert client.predict("changing", [1]).output[0].datatype == "INT32"
    client.delete_model("changing")


def test_many_threads_share_one_client(client, adder):
    wrong = []

    def work(number):
        for _ in range(20):
            a = np.full(7, number, np.float32)
            total = client.predict(adder, {"a": a, "b": a}).output[0].as_numpy()
            if not (total == 2 * number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_interrupt_ends_a_call(server):
    """Ctrl-C while the client waits for an answer that does not come."""
    program = """if True:
        import _thread, signal, socket, threading, blindai
        # Whoever runs the tests in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        accepted = []  # kept, so that the connection stays open while the client waits
        def interrupt():
            accepted.append(listener.accept()[0])
            accepted[0].recv(1)
            _thread.interrupt_main()
        threading.Thread(target=interrupt).start()
        try:
            blindai.connect("127.0.0.1:%d" % listener.getsockname()[1], simulation=True, connect_timeout=600)
        except KeyboardInterrupt:
            print("interrupted")
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted\n", done.stderr


def test_without_torch_nothing_asks_for_it(server):
    program = f"""if True:
        import sys
        sys.modules["torch"] = None  # importing it fails from here on
        import blindai, numpy as np
        with blindai.connect({server.address!r}, simulation=True) as client:
            client.upload_model({onnx_models.adder()!r}, model_id="without-torch")
            response = client.predict("without-torch", {{"a": np.ones(1, np.float32), "b": np.ones(1, np.float32)}})
            client.delete_model("without-torch")
        print(response.output[0].as_flat())
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[2.0]\n", done.stderr
