"""The tools, a file each; their descriptions are in ``tool_list``."""
