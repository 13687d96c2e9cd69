"""Which rows of a data folder the bundled model learns from: by licence, quality and chance."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from entailment.train.source_rows import Row

# Sources whose licence forbids commercial use, or allows research alone: the shipped model learns nothing
# from them.
RESTRICTED = frozenset(
    """
    anli_r1_dev anli_r2_dev anli_r3_dev anli_train_sample control_dev sick_train airline_complaint_reason
    airline_sentiment brown_genre covid_tweet_informative dair_emotion liar_topics nps_chat_acts
    opp115_privacy reuters_topics unhealthy_comments yahoo_answers
    """.split()
)

# The share of rows kept of NLI sources whose labels were assigned by rule, by machine, or from a template.
NOISY_NLI = {
    "joci": 0.3,
    "conjnli_adversarial": 0.15,
    "semantic_fragments": 0.15,
    "function_words": 0.5,
    "mnli_mismatched_annotator": 0.7,
}

# The share of rows kept of two-way sources. Left out are DNC, parts of which are not for commercial use, and
# QNLI, whose hypotheses are questions.
TWO_WAY_NLI = {"rte_train": 1.0, "monli_train": 1.0, "help_and_or": 0.3, "add_one_rte": 0.3}

# Topic sources whose labels are noisy or whose texts are made from templates: fewer texts of each.
NOISY_TOPICS = frozenset(
    """
    crowdflower_emotion reddit_sarcasm crisislex_t26 new_year_resolutions masc_genre dreaddit_subreddit
    huffpost cuad_clauses sgd_services acid_insurance_intents biomedical_mesh hatecheck_target
    hatecheck_hateful medquad_question_type
    """.split()
)
NOISY_TOPICS_SHARE = 0.3


def nli_rows(rows: Sequence[Row], *, seed: int, noisy: bool) -> list[Row]:
    """The rows that are trained on: none of a restricted source, and of each noisy one a share or none."""
    draw = random.Random(seed)
    shares = NOISY_NLI if noisy else dict.fromkeys(NOISY_NLI, 0.0)
    return [
        row
        for row in rows
        if row["source"] not in RESTRICTED and draw.random() < shares.get(str(row["source"]), 1.0)
    ]


def two_way_rows(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """The rows of two-way sources that are trained on."""
    draw = random.Random(seed)
    return [row for row in rows if draw.random() < TWO_WAY_NLI.get(str(row["source"]), 0.0)]


def topic_rows(rows: Sequence[Row], *, seed: int, most: int) -> list[Row]:
    """At most so many texts of each source, of noisy ones a share of that, drawn anew for every seed."""
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_source[str(row["source"])].append(row)
    draw = random.Random(seed)
    drawn: list[Row] = []
    for source, members in sorted(by_source.items()):
        if source not in RESTRICTED:
            allowed = round(NOISY_TOPICS_SHARE * most) if source in NOISY_TOPICS else most
            drawn += draw.sample(members, min(allowed, len(members)))
    return drawn
