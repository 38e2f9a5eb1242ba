"""What the lessons show: static figures (`plots`) and, on the same arrays, interactive views.

Nothing is imported here, so that a lesson which only draws does not load the widgets.
"""
