"""Recount: one self-contained HTML file for a person, and the words for its numbers."""

from poise.report.document import ReportContent
from poise.report.html import render, require_writable, write_figure, write_report

__all__ = ["ReportContent", "render", "require_writable", "write_figure", "write_report"]
