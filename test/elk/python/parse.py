"""Reads a pipeline of Logstash from standard input by the grammar that Logstash has it by, and writes its tree as JSON."""

import json
import sys

from logstash_pipeline_parser import Pipeline

json.dump(Pipeline(sys.stdin.read()).parse(), sys.stdout)
