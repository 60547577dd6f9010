"""Every command in a line: what `--help` lists, and the file that does it.

A command line has one command, so one file is imported; the list needs none. A test holds the
lines against what the commands say of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

LEARN, DATA, USE, HERE = "Learn", "Know the data", "Use a model", "This installation"
UNDERSTAND = "Understand a model"
SECURE = "Keys and signatures"
LIVE = "Keep models alive"


@dataclass(frozen=True)
class Line:
    """A command: its name, its file in this folder, its panel of the help, and what it does."""

    name: str
    file: str
    panel: str
    says: str


LINES = (
    Line("fit", "fit", LEARN,
         "Compare models on a table, choose one, refit it on all rows, and save it."),
    Line("tune", "tune", LEARN,
         "Search the settings of a model and its pipeline, refit the best, and save it."),
    Line("architecture-search", "architecture", LEARN,
         "Search for the network that does best, within a limit of its size; refit and save it."),
    Line("models", "look", LEARN,
         "List the catalog: what each model is for, and whether it is installed."),
    Line("treatments", "imbalance", LEARN,
         "Compare ways to treat a rare class, each against doing nothing, on the same folds."),
    Line("suggest", "suggest", LEARN,
         "Propose engineered features, and keep those that gain significantly on unseen rows."),
    Line("features", "suggest", LEARN,
         "List the kinds of engineered features, as a TOML file for `fit --engineer` names them."),
    Line("select", "select", LEARN,
         "Which columns matter, by several methods side by side."),
    Line("profile", "look", DATA,
         "What is in a table: each column, how columns go together, what is wrong and its "
         "remedy."),
    Line("clean", "clean", DATA,
         "Clean a table, and say what was changed and in how many rows."),
    Line("join", "suggest", DATA,
         "Bring columns of another table to each row; many rows become statistics, never more "
         "rows."),
    Line("expect", "validate", DATA,
         "Infer what rows like these should be like, as TOML to edit and to validate new rows "
         "by."),
    Line("validate", "validate", DATA,
         "Hold new rows against expectations, other rows or a model; exit code 1 if they do not "
         "fit."),
    Line("drift", "validate", DATA,
         "Compare how the columns of two sets of rows are distributed; exit code 1 if any "
         "drifted."),
    Line("skew", "skew", DATA,
         "Teach a model to tell the rows of two tables apart, and say how well it can."),
    Line("label", "label", DATA,
         "Label the rows of a table, one after the other, by single keys; nothing is lost."),
    Line("label-errors", "label", DATA,
         "Which rows have a wrong target, probably: a list to read, most suspect first."),
    Line("augment", "augment", DATA,
         "Alter pictures at random, as a network would see them, and show them beside the "
         "originals."),
    Line("predict", "use", USE,
         "Answer each row of SOURCE: identifiers, the prediction, and probabilities of classes."),
    Line("watch", "watch", USE,
         "Judge rows as they come: each alarm is one line of JSON, with the row, its score and "
         "why."),
    Line("evaluate", "use", USE,
         "Score a model on held-out rows: every metric with its interval."),
    Line("compare", "use", USE,
         "Is A better than B, or as good? Paired tests on the same held-out rows."),
    Line("recommend", "recommend", USE,
         "List the best items for users: those of a model, or a new one who likes some items."),
    Line("rules", "rules", USE,
         "List the rules of a model of baskets: those about an item, or above some measure."),
    Line("similar", "recommend", USE,
         "List the items most like one, as a recommender has learnt them."),
    Line("sample", "sample", USE,
         "Make new rows, pictures or texts like those that a generator learnt from."),
    Line("show", "use", USE, "Say in words what a saved model is, and how good it is."),
    Line("replay", "replay", USE,
         "Do a run again, by count and without a clock, and say whether it is bit-equal."),
    Line("distil", "distil", USE,
         "Teach a small model what a saved one answers: its loss in score, its gain in speed and "
         "size."),
    Line("compress", "compress", USE,
         "Make a saved model smaller or quicker in several ways, each with its loss in score."),
    Line("bench", "bench", USE,
         "Measure a saved model in every runtime: time of a row, rows a second, memory, size."),
    Line("export", "export", USE,
         "Write a saved model for another runtime; a file that answers otherwise is not left "
         "behind."),
    Line("eject", "eject", USE,
         "Write a plain script that trains and predicts the same without wholefit, and run it."),
    Line("report", "report", UNDERSTAND,
         "Write one page about a saved model: how good, why, where it fails, what to do next."),
    Line("explain", "explain", UNDERSTAND,
         "Say why rows get their answers: what each column adds, from a common start."),
    Line("importance", "effects", UNDERSTAND,
         "Say what each column is worth on held-out rows: how far the score falls without it."),
    Line("effect", "effects", UNDERSTAND,
         "Say how the answer moves with a column, or with two, over all rows."),
    Line("interactions", "effects", UNDERSTAND,
         "Say which pairs of columns act together beyond what each does alone."),
    Line("inside", "inside", UNDERSTAND,
         "Say what a saved model is made of: coefficients, a tree, curves, rules, shares of "
         "columns."),
    Line("counterfactual", "otherwise", UNDERSTAND,
         "Say what would have to be otherwise in a row for the model to answer as wanted."),
    Line("nearest", "otherwise", UNDERSTAND,
         "List the rows that the model treats most like each row, and what became of them."),
    Line("pictures", "pictures", UNDERSTAND,
         "Show pictures with what they are and what a model takes them for."),
    Line("diagnose", "diagnose", UNDERSTAND,
         "Say where a model fails on held-out rows, how sure it is, and what to do next."),
    Line("stress", "stress", UNDERSTAND,
         "Would a model hold: noise, missing columns, shifted units, inputs made to fool it."),
    Line("audit", "audit", UNDERSTAND,
         "Whether a model treats groups of people alike: rates with intervals, gaps, and "
         "limits."),
    Line("mitigate", "audit", UNDERSTAND,
         "Make groups fare alike in several ways, each with its price on rows no model had "
         "seen."),
    Line("curve", "curves", UNDERSTAND,
         "Score a model at growing numbers of rows: is it over- or underfitted, would more "
         "help?"),
    Line("cures", "curves", UNDERSTAND,
         "Try the cures of over- or underfitting on the same folds, and say which helped."),
    Line("worth", "worth", UNDERSTAND,
         "Say which columns are worth what they cost: the score that less and less money buys."),
    Line("glassbox", "inside", UNDERSTAND,
         "Score models that can be read beside the best that cannot: the price of reading."),
    Line("advise", "advise", UNDERSTAND,
         "What to do next: a short list, each with its evidence and the experiment it rests "
         "on."),
    Line("serve", "serve", LIVE,
         "Answer rows over HTTP with one or more models, until a signal to stop."),
    Line("monitor", "monitor", LIVE,
         "Judge the answers that a model gave: drift, quality, strange rows, scores, latency."),
    Line("log", "monitor", LIVE,
         "Answer rows and write the answers to a log, as the server does, to be monitored."),
    Line("registry", "registry", LIVE,
         "Keep versions of models in a folder: which is served, which share requests, and every "
         "change."),
    Line("rollback", "registry", LIVE,
         "Serve again what was served before the last promotion; a running server follows at "
         "once."),
    Line("loop", "loop", LIVE,
         "Turn the loop of a model: collect labels, retrain by triggers, judge, promote, watch."),
    Line("gate", "loop", LIVE,
         "May a challenger take the champion's place? Every check with its numbers; exit code 1 "
         "if not."),
    Line("sign", "sign", SECURE,
         "Vouch for a model: a signature of its contents beside it, FILE.sig."),
    Line("verify", "sign", SECURE,
         "Whether a file is whole, and whether somebody who is trusted vouches for it."),
    Line("seal", "sign", SECURE,
         "Write a copy that only who has the key can read: FILE.sealed."),
    Line("unseal", "sign", SECURE,
         "Write what a sealed file holds, plain; nothing if it was altered."),
    Line("keys", "keys", SECURE,
         "Make and end the API keys of a server, make keys to sign and to seal, read the audit "
         "log."),
    Line("lesson", "lesson", HERE,
         "Run an experiment about neural networks: does what is said of them hold, and by how "
         "much?"),
    Line("history", "history", HERE,
         "List past fits that were noted on this machine: what was tried, what won, how long it "
         "took."),
    Line("package", "package", USE,
         "Write all that runs a model elsewhere: images, manifests, cloud bundles, pipelines."),
    Line("audit-packages", "audit_packages", HERE,
         "Which packages are out of date, and which are known to be vulnerable; what is not "
         "known."),
    Line("sbom", "audit_packages", HERE,
         "The packages that answer a model, as a bill of materials: CycloneDX, JSON."),
    Line("doctor", "doctor", HERE,
         "Tell what is installed here, what each extra would add, and how to get it."),
)
