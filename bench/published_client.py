"""One of BlindAI's published clients as a contender of side_by_side.py; run by the Python that install.sh made for it.

    python05 published_client.py 0.5 UNTRUSTED,ATTESTED MODEL_ID
    python06 published_client.py 0.6 UNATTESTED,ATTESTED,MANAGEMENT MODEL_ID

Reads a number of samples from each line, runs the model once and answers with the seconds that it took, as JSON.
"""

import json
import sys
import time
import warnings

import numpy

version, ports, model_id = sys.argv[1:]
ports = [int(port) for port in ports.split(",")]
if version == "0.5":
    import blindai

    connection = blindai.connect(addr="127.0.0.1", untrusted_port=ports[0], attested_port=ports[1], simulation=True)
    run = lambda x: connection.predict(model_id, x)  # noqa: E731
else:
    from blindai.core import connect

    warnings.simplefilter("ignore")
    connection = connect("127.0.0.1", *ports, hazmat_http_on_unattested_port=True, simulation_mode=True)
    run = lambda x: connection.run_model(model_id=model_id, input_tensors=x)  # noqa: E731

print(json.dumps({"resident_mib": 0}), flush=True)
for line in sys.stdin:
    x = numpy.zeros((1, int(line)), dtype="float32")
    begin = time.perf_counter()
    run(x)
    print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)
