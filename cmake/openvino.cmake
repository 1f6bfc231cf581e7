# OpenVINO as `./run build` unpacks it from the official Python wheel: headers, CMake package, libraries. Only the
# worker program links it. What it needs at run time is copied beside it, so that nothing depends on a search path.
set(BLINDAI_OPENVINO_VERSION 2026.4.1)
if(DEFINED ENV{BLINDAI_DEPS_DIR})
  set(default_openvino "$ENV{BLINDAI_DEPS_DIR}/openvino-${BLINDAI_OPENVINO_VERSION}/openvino")
else()
  set(default_openvino "$ENV{HOME}/.cache/blindai/openvino-${BLINDAI_OPENVINO_VERSION}/openvino")
endif()
set(BLINDAI_OPENVINO_DIR "${default_openvino}" CACHE PATH "The folder 'openvino' of the unpacked OpenVINO wheel")

if(NOT EXISTS "${BLINDAI_OPENVINO_DIR}/cmake/OpenVINOConfig.cmake")
  message(FATAL_ERROR
    "OpenVINO ${BLINDAI_OPENVINO_VERSION} is not there. Run ./run build once: it fetches and checks the "
    "wheel. Or set BLINDAI_OPENVINO_DIR to the folder 'openvino' of an unpacked wheel.")
endif()
set(OpenVINO_DIR "${BLINDAI_OPENVINO_DIR}/cmake")
find_package(OpenVINO ${BLINDAI_OPENVINO_VERSION} EXACT REQUIRED COMPONENTS Runtime ONNX)

# All that ONNX on the CPU needs; plugins and front ends are found in the folder of libopenvino.so.
set(BLINDAI_OPENVINO_LIBRARIES libopenvino.so.2641 libopenvino_intel_cpu_plugin.so libopenvino_onnx_frontend.so.2641
  libtbb.so.12)

# Makes `target` find the engine's libraries beside itself, and puts them there.
function(deploy_openvino target)
  set(copies "")
  foreach(library ${BLINDAI_OPENVINO_LIBRARIES})
    list(APPEND copies "${BLINDAI_OPENVINO_DIR}/libs/${library}")
  endforeach()
  set_target_properties(${target} PROPERTIES BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${copies} $<TARGET_FILE_DIR:${target}> VERBATIM)
endfunction()
