"""The tools, a file each; what an agent is told of them is in ``tool_list``."""
