"""Jobs over many rows that survive a crash: what was answered is kept, what was not is computed.

>>> from entailment.scale import Classify, collect, run_job
>>> summary = run_job(Classify(["sports", "politics"]), ["texts.jsonl"], "jobs/texts")  # doctest: +SKIP
>>> collect("jobs/texts", "answers.csv")  # doctest: +SKIP

Rows are cut into parts, and the answers to a part are one file, which is there whole or not at all. So a job
goes on by computing the parts that are not there.
"""

from entailment.scale.collect import collect
from entailment.scale.executors import Executor, Here
from entailment.scale.job import Progress, Summary, run_job
from entailment.scale.on_ray import OnRay
from entailment.scale.processes import Processes
from entailment.scale.status import Status, status
from entailment.scale.tasks import Classify, Nli, Task

__all__ = [
    "Classify",
    "Executor",
    "Here",
    "Nli",
    "OnRay",
    "Processes",
    "Progress",
    "Status",
    "Summary",
    "Task",
    "collect",
    "run_job",
    "status",
]
