"""Scores of what a generator makes."""

from ganfield.evaluation._checks import SmallSampleWarning
from ganfield.evaluation._class_histogram import ClassHistogram, class_histogram
from ganfield.evaluation._classifier import Classifier, load_classifier, save_classifier
from ganfield.evaluation._evaluator import Evaluator, evaluator
from ganfield.evaluation._features import Extracted, Features, hash_of
from ganfield.evaluation._frechet import frechet_distance
from ganfield.evaluation._inception import load_inception
from ganfield.evaluation._inception_score import InceptionScore, inception_score
from ganfield.evaluation._kernel_distance import KernelDistance, kernel_distance
from ganfield.evaluation._modes import ModeCoverage, mode_coverage
from ganfield.evaluation._moments import Moments
from ganfield.evaluation._precision_recall import PrecisionRecall, precision_recall
from ganfield.evaluation._report import Protocol, Report, report
from ganfield.evaluation._resize import resize_tf1

__all__ = [
    "ClassHistogram",
    "Classifier",
    "Evaluator",
    "Extracted",
    "Features",
    "InceptionScore",
    "KernelDistance",
    "ModeCoverage",
    "Moments",
    "PrecisionRecall",
    "Protocol",
    "Report",
    "SmallSampleWarning",
    "class_histogram",
    "evaluator",
    "frechet_distance",
    "hash_of",
    "inception_score",
    "kernel_distance",
    "load_classifier",
    "load_inception",
    "mode_coverage",
    "precision_recall",
    "report",
    "resize_tf1",
    "save_classifier",
]
