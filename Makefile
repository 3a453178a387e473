# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

PYTHON ?= python3
RUN := .venv/bin/ros-run
PARITY := build/parity
CODE := .ci launch sam2_tracker_ros setup.py test training

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench parity clean

help:  ## list the verbs
	@sed -n 's/^\([a-z]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## make .venv, install ROS 2 from wheels, build the messages (every other verb does it too)
	@$(PYTHON) .ci/bootstrap.py

demo: setup  ## track a simulated drone scene over ROS 2 into build/demo/; or VIDEO=path BOX=x,y,w,h
	@$(RUN) demo $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)')

test: setup  ## run every test that needs no GPU; ARGS='-k name' selects some
	@$(RUN) pytest $(ARGS)

check: setup  ## lint, format, types, package.xml
	@$(RUN) ruff check $(CODE)
	@$(RUN) ruff format --check $(CODE)
	@$(RUN) mypy $(CODE)
	@$(RUN) python -c 'from catkin_pkg.package import parse_package; parse_package("package.xml")'

bench: setup  ## measure nano and the node on this machine into build/bench.json
	@$(RUN) sam2-tracker benchmark --json build/bench.json
	@$(RUN) node_benchmark --json build/bench.json

parity:  ## compare with the originals in PyTorch, an hour or two; ARGS='-k name' selects some
	@$(PYTHON) -m venv $(PARITY)/venv
	@$(PARITY)/venv/bin/pip install --quiet -r test/parity/requirements.txt
	@$(PARITY)/venv/bin/python -m pytest --confcutdir=test/export -q test/export
	@$(PARITY)/venv/bin/python -m pytest -m parity --confcutdir=test/parity -v -s test/parity $(ARGS)

clean:  ## remove what the other verbs made, except build/training and build/parity
	rm -rf .venv install log .mypy_cache .pytest_cache .ruff_cache
	rm -rf build/source build/sam2_tracker_ros build/demo build/bench.json build/bootstrap.*
