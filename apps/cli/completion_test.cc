#include "completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "commands.h"
#include "manual.h"

namespace blindai::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Program {
  ExitCode code = ExitCode::kDone;
  std::unique_ptr<CLI::App> app = MakeApp(code);
};

std::vector<std::string> Offered(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const Candidate& candidate : Candidates(*Program().app, words)) out.push_back(candidate.word);
  return out;
}

TEST(Completion, TheFirstWordIsACommand) {
  EXPECT_THAT(Offered({""}), Contains("attest"));
  EXPECT_THAT(Offered({"mod"}), ElementsAre("models"));
  EXPECT_THAT(Offered({"models", ""}), ElementsAre("upload", "list", "show", "versions", "label", "delete"));
  EXPECT_THAT(Offered({"x"}), IsEmpty());
  EXPECT_THAT(Offered({}), IsEmpty());
}

TEST(Completion, OptionsAreThoseOfTheCommand) {
  EXPECT_THAT(Offered({"transcribe", "--for"}), ElementsAre("--format"));
  EXPECT_THAT(Offered({"models", "upload", "m.onnx", "--"}), Contains("--precision"));
  EXPECT_THAT(Offered({"attest", "--"}), Not(Contains("--format")));
}

TEST(Completion, AfterAnOptionThatTakesAValueTheShellOffersFiles) {
  EXPECT_THAT(Offered({"attest", "--policy", ""}), IsEmpty());
  EXPECT_THAT(Offered({"attest", "--policy", "--"}), IsEmpty());
  EXPECT_THAT(Offered({"attest", "--policy", "p.toml", "--simu"}), ElementsAre("--simulation"));
  EXPECT_THAT(Offered({"attest", "--json", "--simu"}), ElementsAre("--simulation"));
}

TEST(Completion, AfterAnOptionThatMayTakeAValueOptionsAreOfferedToo) {
  EXPECT_THAT(Offered({"gateway", "--wyoming", "--gr"}), ElementsAre("--grpc"));
}

TEST(Completion, AValueThatIsNamedLikeACommandIsNone) {
  EXPECT_THAT(Offered({"models", "show", "--addr", "delete", "--"}), Contains("--json"));
}

TEST(Completion, EveryCandidateHasAHelpOnOneLine) {
  for (const Candidate& candidate : Candidates(*Program().app, {""})) {
    EXPECT_FALSE(candidate.help.empty()) << candidate.word;
    EXPECT_THAT(candidate.help, Not(HasSubstr("\n")));
  }
  EXPECT_EQ(CandidateLines({{"run", "run a model"}}), "run\trun a model\n");
}

TEST(Completion, ThereIsAScriptForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) EXPECT_TRUE(CompletionScript(shell)) << shell;
  EXPECT_FALSE(CompletionScript("tcsh"));
}

TEST(Manual, EveryCommandHasAPageWithAnExample) {
  for (const ManPage& page : ManPages(*Program().app, "1")) {
    EXPECT_THAT(page.text, HasSubstr("\n.SH EXAMPLES\n")) << page.name << " has no example in its help";
    EXPECT_THAT(page.text, HasSubstr(".SH SYNOPSIS\n.B blindai")) << page.name;
  }
}

TEST(Manual, APageSaysWhatTheHelpSays) {
  CLI::App app("does things", "tool");
  CLI::App* below = app.add_subcommand("do", "does one thing");
  std::string file;
  below->add_option("FILE", file, ".hidden or not")->required();
  below->add_option("--path", file, "with a \\ in it");
  below->footer("Mind the gap.\n\nexamples:\n  tool do x\n\nexit codes: 0 done");
  const std::vector<ManPage> pages = ManPages(app, "1.2");
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[1].name, "tool-do");
  EXPECT_EQ(pages[1].text, R"(.TH TOOL\-DO 1 "" "blindai 1.2"
.SH NAME
tool\-do \- does one thing
.SH SYNOPSIS
.B tool do
[\fIOPTIONS\fR]
\fIFILE\fR
.SH DESCRIPTION
Mind the gap.
.SH OPTIONS
.TP
\fB\-h, \-\-help\fR
Print this help message and exit
.TP
.I FILE
\&.hidden or not
.TP
\fB\-\-path\fR \fIVALUE\fR
with a \e in it
.SH EXIT STATUS
0 done
.SH EXAMPLES
.EX
  tool do x
.EE
.SH SEE ALSO
.BR tool (1)
)");
}

}  // namespace
}  // namespace blindai::cli
