"""connect(policy=…, roots=…) against a server whose evidence a real TPM in software makes."""

import pytest

import blindai
import onnx_models
import real_tpm


def test_a_real_tpm_is_trusted_under_its_policy_and_ca():
    with real_tpm.server() as (address, folder):
        with blindai.connect(address, policy=folder / "policy.toml", roots=[folder / "ca.pem"]) as client:
            assert client.verdict.outcome == "trusted"
            client.upload_model(onnx_models.adder(), model_id="adder")
            assert client.model("adder").id == "adder"


def test_under_another_ca_it_is_refused():
    with real_tpm.server() as (address, folder):
        for roots in ([folder / "other-ca.pem"], []):
            with pytest.raises(blindai.AttestationError) as refused:
                blindai.connect(address, policy=folder / "policy.toml", roots=roots)
            assert "wrong-root" in str(refused.value.verdict)
