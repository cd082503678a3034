"""The style kit of all pictures: panels, colours, axes and error bars."""
