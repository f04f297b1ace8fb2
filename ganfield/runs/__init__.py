"""Run folders: what is in them, how it comes back, runs beside each other, and on a page."""

from ganfield.runs._compare import Comparison as Comparison
from ganfield.runs._compare import Group as Group
from ganfield.runs._compare import compare as compare
from ganfield.runs._load import SavedRun as SavedRun
from ganfield.runs._load import load as load
from ganfield.runs._probe import probe as probe
from ganfield.runs._report import Report as Report
from ganfield.runs._report import report as report
from ganfield.runs._run_directory import is_run as is_run
from ganfield.runs._run_directory import read_config as read_config
from ganfield.runs._samples import save_images as save_images
from ganfield.runs._verdict import verdict as verdict
