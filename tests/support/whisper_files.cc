#include "support/whisper_files.h"

#include <fstream>

namespace blindai::tests {
namespace {

void AppendUtf8(int code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string WhisperTokenizerJson(bool multilingual) {
  std::string vocab;
  int others = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const bool seen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    std::string letter;
    AppendUtf8(seen ? byte : 256 + others++, letter);
    vocab += "\"" + Escaped(letter) + "\":" + std::to_string(byte) + ",";
  }
  vocab += R"("he":256,"ll":257,"hell":258,"Ġhell":259)";
  std::vector<std::string> special = {"<|endoftext|>", "<|startoftranscript|>"};
  if (multilingual) {
    for (const char* language : {"<|en|>", "<|fr|>", "<|haw|>"}) special.emplace_back(language);
  }
  for (const char* name : {"<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>",
                           "<|nospeech|>", "<|notimestamps|>"}) {
    special.emplace_back(name);
  }
  std::string added;
  int id = 260;
  for (const std::string& name : special) {
    added += (added.empty() ? "" : ",") + std::string(R"({"id":)") + std::to_string(id++) +
             R"(,"content":")" + name + R"(","special":true})";
  }
  return R"({"version":"1.0","added_tokens":[)" + added + R"(],"model":{"type":"BPE","vocab":{)" + vocab +
         R"(},"merges":["h e","l l","he ll",["Ġ","hell"]]}})";
}

std::string WhisperGenerationJson(bool multilingual) {
  return std::string(R"({"is_multilingual":)") + (multilingual ? "true" : "false") +
         R"(,"max_length":448,"max_initial_timestamp_index":50,"suppress_tokens":[1,2],)"
         R"("begin_suppress_tokens":[32,260],"alignment_heads":[[0,0]]})";
}

std::vector<std::uint8_t> WhisperModelFile(const std::string& name) {
  const std::filesystem::path path = WhisperModelDir() / name;
  std::vector<std::uint8_t> content(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  return content;
}

}  // namespace blindai::tests
