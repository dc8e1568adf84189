/** Errors as a picture. */
import { assert, assertEquals } from "../std_assert.ts";
import { errorPlot } from "./error_plot.ts";

/** The points of a curve. */
function pointsOf(svg: string, colour: string): [number, number][] {
  const path = svg.match(new RegExp(`<path d="([^"]*)"[^>]*stroke="${colour}"`))?.[1] ?? "";
  return [...path.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

Deno.test("errorPlot() puts equal errors at equal heights, larger ones higher, 0 at the bottom", () => {
  const svg = errorPlot("t", [
    { name: "a", colour: "red", values: [0, 2, 4, 2] },
    { name: "b", colour: "blue", values: [NaN, 2, 2, 4] },
  ]);
  const [a, b] = [pointsOf(svg, "red"), pointsOf(svg, "blue")];
  assertEquals([a.length, b.length], [4, 3]);
  assertEquals(a[0]![1], 320);
  assertEquals(a[2]![1], 50);
  assertEquals([a[1]![1], a[1]![0]], [b[0]![1], b[0]![0]]);
  assert(a[0]![0] < a[1]![0] && a[3]![0] < 700);
});

Deno.test("errorPlot() takes means where there are many steps, and names what is shown", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i % 2);
  const svg = errorPlot(`a <b> & "c"`, [{ name: "model", colour: "green", values }]);
  const points = pointsOf(svg, "green");
  assertEquals(points.length, 200);
  assert(svg.includes("a &lt;b&gt; &amp; &quot;c&quot;") && svg.includes(">model</text>"));
  assert(svg.includes(">1000</text>"));
});

Deno.test("errorPlot() of nothing is a picture, too", () => {
  const svg = errorPlot("t", [{ name: "a", colour: "red", values: [NaN] }]);
  assert(!svg.includes("NaN"), svg);
});
