# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

PYTHON ?= python3
RUN := .venv/bin/ros-run
PARITY := build/parity
GPU_WHEEL := build/gpuwheel/venv
# What is compared with PyTorch: seeded weights, exported once.
COMPARED := build/compare
GPU := build/gpu
PROVIDER ?= cuda
FRAMES ?= 20
TOOL = $(PARITY)/venv/bin/python -m sam2_tracker_ros.tools
HAS_EFFICIENTTAM = $(PARITY)/venv/bin/python -c 'import efficient_track_anything' 2>/dev/null
BESIDE = --compare pytorch,ours,card --variant int8:precision=int8 --frames $(FRAMES) \
  --json build/compare.json --out $(COMPARED)
# Two processes that share the test files between them.
TESTS := -n 2 --dist loadfile
CODE := .ci launch sam2_tracker_ros setup.py test training

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check audit faults fuzz soak bench compare coverage efficienttam gpu gpu_matrix \
  gpuwheel loop matrix parity torch clean

help:  ## list the verbs
	@sed -n 's/^\([a-z]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## make .venv, install ROS 2 from wheels, build the messages (every other verb does it too)
	@$(PYTHON) .ci/bootstrap.py

demo: setup  ## fly a simulated gimbal camera over ROS 2 into build/demo/; or VIDEO=path BOX=x,y,w,h
	@$(RUN) demo $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

loop: setup  ## fly it without and with each fault, five minutes: tables, plots and videos in build/loop/
	@for fault in none tracker_killed camera_stalled no_camera_info; do \
	  echo "fault: $$fault"; $(RUN) demo --fault $$fault --out build/loop/$$fault || exit; done

test: setup  ## run every test that needs no GPU; ARGS='-k name' selects some
	@$(RUN) pytest $(TESTS) $(ARGS)

coverage: setup  ## run them under coverage.py: table, build/coverage/index.html; fails below the bounds
	@$(RUN) python .ci/code_coverage.py $(TESTS) $(ARGS)

matrix:  ## run them on Kilted and Jazzy with Python 3.10 to 3.13, hours; ONLY='jazzy-3.12', ONLY='*-3.10'
	@$(PYTHON) .ci/matrix.py --only '$(or $(ONLY),*)' -- $(TESTS) $(ARGS)

check: setup  ## lint, format, types, package.xml, known vulnerabilities
	@$(RUN) ruff check $(CODE)
	@$(RUN) ruff format --check $(CODE)
	@$(RUN) mypy $(CODE)
	@$(RUN) python -c 'from catkin_pkg.package import parse_package; parse_package("package.xml")'
	@$(RUN) python .ci/audit.py

audit: setup  ## ask the advisory service about what is installed; needs a network
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/pip install --quiet pip-audit
	@build/audit/bin/pip-audit --path $$($(RUN) python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

fuzz:  ## attack what reads bytes from outside, half an hour; ARGS='--seconds 600 onnx_graph'
	@$(PYTHON) -m venv build/fuzz/venv
	@build/fuzz/venv/bin/pip install --quiet -r test/fuzz/requirements.txt
	@build/fuzz/venv/bin/python test/fuzz/run_atheris.py $(ARGS)

faults: setup  ## 200 seeded attacks on the tracker node, a quarter of an hour: build/faults/; ARGS='--repeat SEED'
	@$(RUN) fault_campaign $(ARGS)

soak: setup  ## 100,000 frames through the node at full speed, 20 minutes: build/soak/; FRAMES=3000 for fewer
	@$(RUN) soak $(if $(filter command line,$(origin FRAMES)),--frames $(FRAMES))

bench: setup  ## measure nano and the node on this machine: build/bench.json, plots in build/bench/
	@$(RUN) sam2-tracker benchmark --frames 300 --json build/bench.json
	@$(RUN) sam2-tracker benchmark --profile --json build/bench.json
	@$(RUN) sam2-tracker benchmark --compare ours,card,csrt --json build/bench.json --out build/bench
	@$(RUN) node_benchmark --json build/bench.json
	@$(RUN) sam2-tracker benchmark --growth --json build/bench.json --out build/bench

compare: torch $(COMPARED)/sam2.1-hiera-tiny-512 $(COMPARED)/sam2.1-hiera-tiny-1024  ## time full-size models beside PyTorch, an hour; FRAMES=20 timed
	@$(TOOL) benchmark --model $(COMPARED)/sam2.1-hiera-tiny-512 $(BESIDE)
	@$(TOOL) benchmark --model $(COMPARED)/sam2.1-hiera-tiny-1024 $(BESIDE)
	@if $(HAS_EFFICIENTTAM); then $(MAKE) efficienttam; \
	  else echo 'EfficientTAM is left out; test/parity/requirements.txt says how to install it'; fi

efficienttam: $(COMPARED)/efficienttam-ti-512
	@$(TOOL) benchmark --model $< $(BESIDE)

$(COMPARED)/sam2.1-hiera-tiny-%:
	@$(TOOL) export seeded:3 --architecture sam2.1-hiera-tiny --image-size $* --out $@

$(COMPARED)/efficienttam-ti-%:
	@$(TOOL) export seeded:3 --architecture efficienttam_ti_512x512 --image-size $* --out $@

gpu:  ## every way to run full-size models on the GPU, beside PyTorch, into build/gpu/; PROVIDER=cpu tries it without
	@$(PYTHON) -m venv $(GPU)/venv
	@sed 's/^onnxruntime>/$(if $(filter cpu,$(PROVIDER)),onnxruntime,onnxruntime-gpu[cuda,cudnn])>/' \
	  test/parity/requirements.txt > $(GPU)/requirements.txt
	@$(GPU)/venv/bin/pip install --quiet -r $(GPU)/requirements.txt
	@$(MAKE) PARITY=$(GPU) gpu_matrix

gpu_matrix: $(COMPARED)/sam2.1-hiera-tiny-512 $(COMPARED)/sam2.1-hiera-tiny-1024 \
    $(if $(shell $(HAS_EFFICIENTTAM) && echo yes),$(COMPARED)/efficienttam-ti-512)
	@$(TOOL) benchmark --matrix $(PROVIDER) $(addprefix --bundle ,$^) --frames $(FRAMES) \
	  --json $(GPU)/matrix.json --out $(GPU)

torch:
	@$(PYTHON) -m venv $(PARITY)/venv
	@$(PARITY)/venv/bin/pip install --quiet -r test/parity/requirements.txt

parity: torch  ## compare with the originals in PyTorch, an hour or two; ARGS='-k name' selects some
	@$(PARITY)/venv/bin/python -m pytest --confcutdir=test/export -q test/export
	@$(PARITY)/venv/bin/python -m pytest -m parity --confcutdir=test/parity -v -s test/parity $(ARGS)

gpuwheel:  ## ask onnxruntime-gpu (250 MB) about options, refusals and fallbacks; needs no GPU
	@$(PYTHON) -m venv $(GPU_WHEEL)
	@$(GPU_WHEEL)/bin/pip install --quiet -r test/gpuwheel/requirements.txt
	@$(GPU_WHEEL)/bin/python -m pytest -m gpu_wheel --confcutdir=test/gpuwheel test/gpuwheel $(ARGS)

clean:  ## remove what the other verbs made, except build/training, parity and gpuwheel
	rm -rf .venv install log .mypy_cache .pytest_cache .ruff_cache
	rm -rf build/source build/sam2_tracker_ros build/demo build/loop build/bench build/bench.json build/bootstrap.*
	rm -rf build/compare build/compare.json build/gpu build/coverage build/matrix
	rm -rf build/audit build/faults build/fuzz build/soak
