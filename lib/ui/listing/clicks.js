// Tells of a click on a bar: Streamlit itself hears only of dragging, in a chart over which one can drag.

const LOOKS_EVERY_MS = 300;

export default function ({ data, setTriggerValue }) {
  const listen = () => {
    const plot = document.querySelector(`.st-key-${data.place} .js-plotly-plot`);
    if (!plot || !plot.on) return;
    if (!plot.tellsOfClicks) plot.on("plotly_click", (event) => plot.tellsOfClicks(event.points[0].pointNumber));
    plot.tellsOfClicks = (bar) => setTriggerValue("clicked", bar);
  };
  listen();
  // The chart may be drawn later than this, and anew.
  const timer = setInterval(listen, LOOKS_EVERY_MS);
  return () => clearInterval(timer);
}
