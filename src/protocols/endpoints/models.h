// `/v1/models`: upload, list, show, change and delete models. The body of an upload is the ONNX file; it is taken in
// as it arrives, and an error is answered as soon as it is known.
//
//   PUT    /v1/models/{id}?precision=&visibility=&tenants=&kind=&save=&ttl=&versions=&label=   201 with the model
//   GET    /v1/models                     OpenAI's list: of each model its highest version
//   GET    /v1/models/{id}?version=
//   PATCH  /v1/models/{id}                which versions are served, and their labels
//   DELETE /v1/models/{id}?version=       200 when the worker processes are gone
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
