"""The same under the name of a module that older plugins import."""

from . import *  # noqa: F403
