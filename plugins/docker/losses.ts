import type { ContainerDetails, ContainerSummary, Mount } from "./container-item.js";
import { isUnnamed } from "./usage.js";
import { countText, namesText, sizeText } from "./words.js";

const places = (mounts: readonly Mount[]): string =>
  namesText(mounts.map(({ Destination = "", Name = "" }) => `${Destination} (${Name.slice(0, 12)})`));

/** What goes with one container. */
export function containerLoss(
  { State, Mounts, SizeRw }: ContainerDetails,
  { force, volumes }: { force?: boolean | undefined; volumes?: boolean | undefined },
): string {
  const own = (Mounts ?? []).filter(({ Type, Name }) => Type === "volume" && isUnnamed(Name));
  const named = (Mounts ?? []).filter(({ Type, Name }) => Type === "volume" && !isUnnamed(Name));
  const said = [
    `It is ${State.Status}${State.Status === "running" && force ? " and will be killed" : ""}.`,
    SizeRw === undefined ? "What it wrote outside of volumes is lost." : `What it wrote outside of volumes is lost: ${sizeText(SizeRw)}.`,
  ];
  if (own.length && volumes) said.push(`Lost with it: ${countText(own.length, "unnamed volume")}, at ${places(own)}.`);
  if (own.length && !volumes) said.push(`Its ${countText(own.length, "unnamed volume")} at ${places(own)} stay behind, unused.`);
  if (named.length) said.push(`Kept: ${countText(named.length, "named volume")}, ${namesText(named.map(({ Name = "" }) => Name))}.`);
  return said.join(" ");
}

/** What goes with all stopped containers. */
export function stoppedLoss(containers: readonly ContainerSummary[]): string {
  if (containers.length === 0) return "No container is stopped: nothing would go.";
  const names = containers.map(({ Names, Id }) => (Names?.[0] ?? Id.slice(0, 12)).replace(/^\//, ""));
  const written = containers.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  return `${countText(containers.length, "stopped container")} would go, with ${sizeText(written)} that they wrote outside of volumes: ${namesText(names)}.`;
}

/** What goes with images. Layers that others share stay, so it is the most that can be freed. */
export function imagesLoss(images: readonly { readonly Id: string; readonly RepoTags?: readonly string[] | null; readonly Size: number }[]): string {
  if (images.length === 0) return "No image is unused: nothing would go.";
  const names = images.map(({ Id, RepoTags }) => RepoTags?.find((name) => name !== "<none>:<none>") ?? Id.replace(/^sha256:/, "").slice(0, 12));
  const size = images.reduce((sum, { Size }) => sum + Size, 0);
  return `${countText(images.length, "image")} would go, of ${sizeText(size)} together: ${namesText(names)}. They have to be pulled or built again.`;
}

/** What goes with volumes. `Size` is -1 where the driver doesn't tell. */
export function volumesLoss(volumes: readonly { readonly Name: string; readonly UsageData?: { readonly Size?: number } | null }[]): string {
  if (volumes.length === 0) return "No volume is unused: nothing would go.";
  const size = volumes.reduce((sum, { UsageData }) => sum + Math.max(0, UsageData?.Size ?? 0), 0);
  const names = volumes.map(({ Name }) => (isUnnamed(Name) ? Name.slice(0, 12) : Name));
  return `${countText(volumes.length, "volume")} with ${sizeText(size)} of data would be lost: ${namesText(names)}.`;
}
