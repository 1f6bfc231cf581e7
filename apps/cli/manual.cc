#include "manual.h"

#include <filesystem>
#include <fstream>

#include "client/failure.h"
#include "commands.h"

namespace blindai::cli {
namespace {

// man(7): a backslash is written \e, a plain hyphen \-, and a line that begins with a point or a quote is no request.
std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool line_begins = out.empty() || out.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string UpperCase(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string Section(const std::string& title) { return ".SH " + title + "\n"; }

std::string Synopsis(const CLI::App& command, const std::string& words) {
  std::string out = ".B " + Escaped(words) + "\n";
  if (!CommandsBelow(command).empty()) return out + ".I COMMAND\n";
  out += "[\\fIOPTIONS\\fR]\n";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = "\\fI" + Escaped(option->get_name(true)) + "\\fR";
    const char* more = option->get_items_expected_max() > 1 ? " ..." : "";
    out += option->get_required() ? name + more + "\n" : "[" + name + more + "]\n";
  }
  return out;
}

// "-h, --help", "--addr TEXT"
std::string OptionHead(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  if (names.empty()) return ".I " + Escaped(option.get_name(true)) + "\n";
  const std::string head = "\\fB" + Escaped(names) + "\\fR";
  if (option.get_items_expected_max() == 0) return head + "\n";
  return head + (option.get_items_expected_min() == 0 ? " [\\fIVALUE\\fR]\n" : " \\fIVALUE\\fR\n");
}

std::string Options(const CLI::App& command) {
  std::string out;
  for (const CLI::Option* option : command.get_options())
    out += ".TP\n" + OptionHead(*option) + Escaped(option->get_description()) + "\n";
  return out.empty() ? "" : Section("OPTIONS") + out;
}

std::string Commands(const CLI::App& command, const std::string& page) {
  std::string out;
  for (const CLI::App* below : CommandsBelow(command)) {
    out += ".TP\n.BR " + Escaped(page + "-" + below->get_name()) + " (1)\n" +
           Escaped(below->get_description()) + "\n";
  }
  return out.empty() ? "" : Section("COMMANDS") + out;
}

// The parts of a help's end, which are told apart by their first words.
struct Footer {
  std::string remarks;
  std::string examples;
  std::string exit_status;
};

Footer Parts(const std::string& footer) {
  Footer parts;
  std::size_t from = 0;
  while (from < footer.size()) {
    const std::size_t end = std::min(footer.find("\n\n", from), footer.size());
    const std::string part = footer.substr(from, end - from);
    const std::size_t colon = part.find(':');
    const std::string title = part.substr(0, colon);
    if (title == "examples" || title == "example") {
      parts.examples += ".EX\n" + Escaped(part.substr(std::min(part.size(), colon + 2))) + "\n.EE\n";
    } else if (title == "exit codes") {
      parts.exit_status += Escaped(part.substr(colon + 2)) + "\n";
    } else {
      parts.remarks += ".PP\n" + Escaped(part) + "\n";
    }
    from = end + 2;
  }
  return parts;
}

void Append(const CLI::App& command, const std::string& page, const std::string& words,
            const std::string& version, std::vector<ManPage>& pages) {
  const Footer footer = Parts(command.get_footer());
  std::string text = ".TH " + UpperCase(Escaped(page)) + " 1 \"\" \"blindai " + version + "\"\n";
  text += Section("NAME") + Escaped(page) + " \\- " + Escaped(command.get_description()) + "\n";
  text += Section("SYNOPSIS") + Synopsis(command, words);
  if (!footer.remarks.empty()) text += Section("DESCRIPTION") + footer.remarks.substr(4);
  text += Commands(command, page) + Options(command);
  if (!footer.exit_status.empty()) text += Section("EXIT STATUS") + footer.exit_status;
  if (!footer.examples.empty()) text += Section("EXAMPLES") + footer.examples;
  if (const std::size_t above = page.rfind('-'); above != std::string::npos)
    text += Section("SEE ALSO") + ".BR " + Escaped(page.substr(0, above)) + " (1)\n";
  pages.push_back({page, text});
  for (const CLI::App* below : CommandsBelow(command))
    Append(*below, page + "-" + below->get_name(), words + " " + below->get_name(), version, pages);
}

base::Status WritePages(const std::vector<ManPage>& pages, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const ManPage& page : pages) {
    std::ofstream file(std::filesystem::path(folder) / (page.name + ".1"), std::ios::binary);
    if (!(file << page.text).flush())
      return client::ArgumentError("the pages cannot be written to the folder; check it and its permissions",
                                   "FOLDER");
  }
  return base::Ok();
}

}  // namespace

std::vector<ManPage> ManPages(const CLI::App& app, const std::string& version) {
  std::vector<ManPage> pages;
  Append(app, app.get_name(), app.get_name(), version, pages);
  return pages;
}

void AddManual(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("manual", "write the man pages to a folder");
  auto folder = std::make_shared<std::string>();
  command->add_option("FOLDER", *folder, "such as ~/.local/share/man/man1")->required();
  command->footer("examples:\n  blindai manual ~/.local/share/man/man1\n  man blindai-transcribe");
  command->callback([folder, &app, &code] {
    const base::Status written = WritePages(ManPages(app, BLINDAI_VERSION), *folder);
    if (!written.ok()) code = Fail(written.error());
  });
}

}  // namespace blindai::cli
