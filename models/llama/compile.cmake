# Compile only what llama_cpp loads: half of llama.cpp's files are helpers of its own programs.
# Read behind its `project` line (CMAKE_PROJECT_llama.cpp_INCLUDE); llama-cpp-python turns them on.
set(LLAMA_BUILD_COMMON OFF)
