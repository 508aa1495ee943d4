"""The report's plots, as SVG within the page: they follow its colours, and their points are links.

To add a plot: write a function here that takes facts and returns Markup, by the parts of
`report.plots.svg`; name its result in `report.page._plots`; show it in a section's template under
`report/templates`, as `{{ plots.its_name }}`. Colours are classes of `templates/style.css`.
"""
