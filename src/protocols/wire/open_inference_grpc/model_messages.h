// Open Inference Protocol v2 over gRPC: everything that is not an inference, between the plain structs of
// protocols/wire and protobuf's messages. Pure.
#pragma once

#include <vector>

#include "base/result.h"
#include "open_inference.pb.h"
#include "protocols/wire/open_inference_repository.h"
#include "protocols/wire/open_inference_v2_metadata.h"

namespace blindai::wire {

void FillMetadata(const ServerMetadata& metadata, inference::ServerMetadataResponse& message);
void FillMetadata(const ModelMetadata& metadata, inference::ModelMetadataResponse& message);
void FillConfig(const ModelMetadata& metadata, inference::ModelConfig& message);
void FillStatistics(const std::vector<ModelStatistics>& models, inference::ModelStatisticsResponse& message);
void FillIndex(const std::vector<IndexEntry>& entries, inference::RepositoryIndexResponse& message);

// The rules of a load over HTTP; a file may come as bytes or as a text. Its bytes are moved out of the message and
// wiped there. Codes: those of LoadBuilder.
base::Result<LoadRequest> DecodeLoadMessage(inference::RepositoryModelLoadRequest& message);

}  // namespace blindai::wire
