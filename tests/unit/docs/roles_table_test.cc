// The table of roles and verbs that operators read is the one that the server
// decides by. Without this test a new verb or role would silently be missing from
// ARCHITECTURE.md, or worse: be described as denied while it is allowed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/auth/decision.h"

namespace sealward::auth {
namespace {

struct Column {
  v1::Role role;
  absl::string_view title;
};
// In the order of the table's columns.
constexpr Column kColumns[] = {
    {v1::ROLE_ADMIN, "admin"},       {v1::ROLE_TENANT_ADMIN, "tenant-admin"},
    {v1::ROLE_OPERATOR, "operator"}, {v1::ROLE_TOKEN_ISSUER, "token-issuer"},
    {v1::ROLE_VIEWER, "viewer"},     {v1::ROLE_VALIDATOR, "validator"},
    {v1::ROLE_AUDITOR, "auditor"}};

// The levels on which a binding of the role includes the verb.
std::string Cell(v1::Role role, Verb verb) {
  std::vector<absl::string_view> levels;
  if (RoleAllows(role, Level::kService, verb)) levels.push_back("service");
  if (RoleAllows(role, Level::kTenant, verb)) levels.push_back("tenant");
  if (RoleAllows(role, Level::kKey, verb)) levels.push_back("key");
  return levels.empty() ? "–" : absl::StrJoin(levels, ", ");
}

// The table as the page should have it.
std::vector<std::string> ExpectedLines() {
  std::string title = "| verb |";
  std::string rule = "|---|";
  for (const Column& column : kColumns) {
    absl::StrAppend(&title, " ", column.title, " |");
    absl::StrAppend(&rule, "---|");
  }
  std::vector<std::string> lines = {title, rule};
  for (const Verb verb : AllVerbs()) {
    std::string line = absl::StrCat("| ", VerbName(verb), " |");
    for (const Column& column : kColumns) {
      absl::StrAppend(&line, " ", Cell(column.role, verb), " |");
    }
    lines.push_back(line);
  }
  return lines;
}

// The lines between the two marks.
std::vector<std::string> DocumentedLines() {
  const std::ifstream file(SEALWARD_ARCHITECTURE);
  std::stringstream text;
  text << file.rdbuf();
  std::vector<std::string> lines;
  bool inside = false;
  for (const absl::string_view line : absl::StrSplit(text.str(), '\n')) {
    if (line == "<!-- roles:end -->") inside = false;
    if (inside) lines.emplace_back(line);
    if (line == "<!-- roles:begin -->") inside = true;
  }
  return lines;
}

TEST(RolesTableTest, TheDocumentedTableIsTheOneThatDecides) {
  EXPECT_THAT(DocumentedLines(), testing::ElementsAreArray(ExpectedLines()));
}

// The API lists the roles: one that the table has no column for would be one
// that nobody can look up.
TEST(RolesTableTest, EveryRoleHasAColumn) {
  EXPECT_EQ(v1::Role_descriptor()->value_count(), 1 + static_cast<int>(std::size(kColumns)));
}

}  // namespace
}  // namespace sealward::auth
