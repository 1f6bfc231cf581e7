#include "service/model_names.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace blindai::service {
namespace {

using base::Result;
using vocabulary::ModelId;
using Found = Result<std::shared_ptr<const ServedModel>>;

struct Parts {
  std::string_view user;  // empty for a bare id
  std::string_view id;
};
Parts Split(const ModelId& name) {
  const std::string_view text = name.text();
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// The model of exactly this id, if that user owns it.
Found FindOwned(const ModelCatalogue& catalogue, const Caller& caller, std::string_view user,
                const ModelId& id) {
  Found found = catalogue.Find(caller, id);
  if (found.ok() && (*found)->record.owner != user) return ModelCatalogue::NotFound(id);
  return found;
}

}  // namespace

Result<ModelId> IdForUpload(const Caller& caller, std::string_view name) {
  BLINDAI_TRY(ModelId id, ModelId::Parse(name));
  const std::string_view user = Split(id).user;
  if (user.empty() || user == caller.tenant) return id;
  return base::MakeError(
      base::ErrorKind::kDenied, "model-namespace",
      fmt::format("ids that begin with '{}/' belong to that user; leave it out, or use your own name", user),
      "id");
}

Found FindByName(const ModelCatalogue& catalogue, const Caller& caller, std::string_view name) {
  BLINDAI_TRY(const ModelId id, ModelId::Parse(name));
  const auto [user, bare] = Split(id);
  if (user.empty()) {
    // Nobody takes the place of a model that the operator names.
    if (Found found = catalogue.Find(caller, id); found.ok() && (*found)->record.is_operators) return found;
    if (const Result<ModelId> own = ModelId::Parse(caller.tenant + "/" + id.text()); own.ok()) {
      if (Found found = FindOwned(catalogue, caller, caller.tenant, *own); found.ok()) return found;
    }
    return catalogue.Find(caller, id);
  }
  if (Found found = FindOwned(catalogue, caller, user, id); found.ok()) return found;
  BLINDAI_TRY(const ModelId bare_id, ModelId::Parse(bare));
  if (Found found = FindOwned(catalogue, caller, user, bare_id); found.ok()) return found;
  return ModelCatalogue::NotFound(id);
}

Result<ModelId> FindOwnIdByName(const ModelCatalogue& catalogue, const Caller& caller,
                                std::string_view name) {
  BLINDAI_TRY(const ModelId id, ModelId::Parse(name));
  const auto [user, bare] = Split(id);
  const bool may_be_own = user.empty() || user == caller.tenant;
  const std::string longer = caller.tenant + "/" + std::string(bare);
  for (const std::string_view form : {std::string_view(longer), bare}) {
    const Result<ModelId> candidate = ModelId::Parse(form);
    if (!candidate.ok()) continue;
    if (catalogue.FindOwn(caller, *candidate).ok() && may_be_own) return *candidate;
  }
  return ModelCatalogue::NotFound(id);
}

}  // namespace blindai::service
