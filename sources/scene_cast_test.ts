import { assert, assertEquals } from "../std_assert.ts";
import { castAt } from "./scene_cast.ts";

Deno.test("castAt() returns the farthest object first", () => {
  const depths = castAt(1, 3, 1, 1).map(({ depth }) => depth);
  assertEquals(depths, depths.toSorted((a, b) => b - a));
});

Deno.test("castAt() moves every object smoothly", () => {
  for (let frame = 1; frame < 1000; frame++) {
    const before = new Map(castAt(2, (frame - 1) / 25, 1, 1).map((actor) => [actor.id, actor]));
    for (const { id, x, y, angle } of castAt(2, frame / 25, 1, 1)) {
      const last = before.get(id);
      if (last === undefined) continue;
      const moved = Math.hypot(x - last.x, y - last.y);
      assert(moved < 0.06, `object ${id} jumps by ${moved} of the view`);
      assert(Math.abs(angle - last.angle) < 0.05, `object ${id} jerks`);
    }
  }
});

Deno.test("castAt() lets objects enter and leave outside the view", () => {
  let before = castAt(3, 0, 1, 1);
  for (let frame = 1; frame < 1000; frame++) {
    const now = castAt(3, frame / 25, 1, 1);
    const gone = before.filter(({ id }) => !now.some((actor) => actor.id === id));
    const come = now.filter(({ id }) => !before.some((actor) => actor.id === id));
    for (const { id, x, y, halfWidth, halfHeight } of [...gone, ...come]) {
      const reach = Math.hypot(halfWidth, halfHeight);
      const outside = Math.max(Math.abs(x), Math.abs(y)) - reach;
      assert(outside > 0.5, `object ${id} changes at ${outside} from the middle`);
    }
    before = now;
  }
});
