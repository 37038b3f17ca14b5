"""The same for plugins that put the folder `shared` itself on their path."""

from shared import *  # noqa: F403
