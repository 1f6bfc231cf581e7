// What a shell offers while a person types: subcommands and options, from the same words as --help. A small script for
// each shell (`blindai completion bash`) asks the program itself at each press of the Tab key: `blindai __complete
// WORD…`, and offers files where it answers nothing. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blindai::cli {

inline constexpr std::string_view kCompleteWord = "__complete";

struct Candidate {
  std::string word;
  std::string help;
};

// `words` stand behind the program's name; the last one is being typed and may be empty. None: it is a value or a file.
std::vector<Candidate> Candidates(const CLI::App& app, const std::vector<std::string>& words);

// "word<TAB>help", one a line.
std::string CandidateLines(const std::vector<Candidate>& candidates);

// For bash, zsh or fish; nothing for another name.
std::optional<std::string_view> CompletionScript(std::string_view shell);

}  // namespace blindai::cli
