"""Golden stories: whole referrals as scripts, each with the state that it ends in and the duties it shows."""

from shared.contract.stories.play import Play, Setting
from shared.contract.stories.story import Duty, Story, StoryEvent, StoryFault, load_all

__all__ = ["Duty", "Play", "Setting", "Story", "StoryEvent", "StoryFault", "load_all"]
