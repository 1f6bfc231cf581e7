// TOML 1.0 (https://toml.io/en/v1.0.0), read by toml++ behind a look at what that library takes for granted: some texts
// that are not TOML stop the program in it instead of being refused, all found by fuzzing. Use this and never
// toml::parse. It is stricter than TOML in two things: letters beyond ASCII stand only in remarks and in texts that are
// a value or stand in a list (key = ["…", "…"]), on one line; and no line has an opening bracket alone.
//
// The caller bounds the length first. Time and memory are linear in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Its code is compiled once, in toml.cc; without exceptions an error is a value. Its assertions are wrong about broken
// texts ("a = [}"), which it then refuses: every build behaves like the release build, which has none.
#define TOML_HEADER_ONLY 0
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace blindai::encoding {

struct TomlTrouble {
  std::uint32_t line = 0;  // the first is 1
  // May quote the text: not to be shown where that holds a secret.
  std::string why;
};

struct ParsedToml {
  toml::table table;                   // empty with a trouble
  std::optional<TomlTrouble> trouble;  // nothing: it is TOML
};

// UTF-8, with or without a byte order mark.
ParsedToml ParseToml(std::string_view text);

}  // namespace blindai::encoding
