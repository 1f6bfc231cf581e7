#include "completion.h"

#include <algorithm>

#include "client/failure.h"
#include "commands.h"

namespace blindai::cli {
namespace {

constexpr std::string_view kBash = R"sh(# bash completion of blindai: source <(blindai completion bash)
_blindai() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1)" \
    -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _blindai blindai
)sh";

constexpr std::string_view kZsh = R"sh(#compdef blindai
# zsh completion of blindai: source <(blindai completion zsh), or a file _blindai in $fpath
_blindai() {
  local -a lines
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  lines=("${(@)lines//$'\t'/:}")
  if [[ -n "${lines[1]}" ]]; then _describe blindai lines; else _files; fi
}
compdef _blindai blindai
)sh";

constexpr std::string_view kFish = R"sh(# fish completion of blindai: blindai completion fish | source
function __blindai_complete
  set -l words (commandline -opc)
  set -l found ($words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c blindai -f -a '(__blindai_complete)'
)sh";

const CLI::App* Subcommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : CommandsBelow(app)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

// Whether a value must follow: where it may, options are offered too.
bool TakesValue(const CLI::App& app, const std::string& word) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_min() > 0 && option->check_name(word)) return true;
  }
  return false;
}

std::vector<Candidate> OptionsOf(const CLI::App& app) {
  std::vector<Candidate> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      out.push_back({"--" + name, option->get_description()});
  }
  return out;
}

std::vector<Candidate> CommandsOf(const CLI::App& app) {
  std::vector<Candidate> out;
  for (const CLI::App* command : CommandsBelow(app))
    out.push_back({command->get_name(), command->get_description()});
  return out;
}

}  // namespace

std::vector<Candidate> Candidates(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const CLI::App* command = &app;
  bool value = false;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    value = !value && TakesValue(*command, words[i]);
    if (value) continue;
    if (const CLI::App* below = Subcommand(*command, words[i])) command = below;
  }
  if (value) return {};
  const std::string& typed = words.back();
  std::vector<Candidate> found = typed.starts_with('-') ? OptionsOf(*command) : CommandsOf(*command);
  std::erase_if(found, [&](const Candidate& candidate) { return !candidate.word.starts_with(typed); });
  return found;
}

std::string CandidateLines(const std::vector<Candidate>& candidates) {
  std::string out;
  for (const Candidate& candidate : candidates) out += candidate.word + "\t" + candidate.help + "\n";
  return out;
}

std::optional<std::string_view> CompletionScript(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return std::nullopt;
}

void AddCompletion(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("completion", "what a shell needs to complete these words");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  command->footer(
      "examples:\n"
      "  source <(blindai completion bash)\n"
      "  source <(blindai completion zsh)\n"
      "  blindai completion fish | source");
  command->callback([shell, &code] {
    if (const auto script = CompletionScript(*shell)) return Result(*script);
    code = Fail(client::ArgumentError("the shell is none of bash, zsh, fish", "SHELL"));
  });
}

}  // namespace blindai::cli
