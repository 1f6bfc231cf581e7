// Man pages from the same words as --help: man(7) macros, one page for the program and one for each command, so that
// `man blindai-transcribe` and `blindai transcribe --help` never differ. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace blindai::cli {

struct ManPage {
  std::string name;  // "blindai-models-upload"
  std::string text;
};

// The page of `app` and of every command below it, in the order of the help.
std::vector<ManPage> ManPages(const CLI::App& app, const std::string& version);

}  // namespace blindai::cli
