// `/v1/models`: upload, list, show and delete models. The body of an upload is the ONNX file; it is taken in
// as it arrives, and an error is answered as soon as it is known.
//
//   PUT    /v1/models/{id}?precision=&visibility=&tenants=&kind=&save=&ttl=   201 with the model
//   GET    /v1/models            OpenAI's list
//   GET    /v1/models/{id}
//   DELETE /v1/models/{id}       200 when the worker process is gone
#pragma once

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/router.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

// The catalogue must outlive the router.
void RegisterModels(Router& router, service::ModelCatalogue& catalogue, service::UploadOptions upload,
                    IdentifyCaller identify);

}  // namespace blindai::endpoints
