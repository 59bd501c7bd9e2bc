import type { Answer } from "./router.js";
import { changePool, createPool, deletePool, listPools, poolResources, showPool } from "./storage-pools.js";
import * as snapshots from "./storage-volume-snapshots.js";
import { changeVolume, createVolume, deleteVolume, listVolumes, moveVolume, showVolume, volumeState } from "./storage-volumes.js";

const VOLUMES = "/1.0/storage-pools/*/volumes";

/** Storage pools, and what is in them. */
export const STORAGE_ROUTES: readonly (readonly [path: string, methods: Readonly<Record<string, Answer>>])[] = [
  ["/1.0/storage-pools", { GET: listPools, POST: createPool }],
  ["/1.0/storage-pools/*", { GET: showPool, PUT: changePool, PATCH: changePool, DELETE: deletePool }],
  ["/1.0/storage-pools/*/resources", { GET: poolResources }],
  [VOLUMES, { GET: listVolumes }],
  [`${VOLUMES}/*`, { POST: createVolume }],
  [`${VOLUMES}/custom/*/snapshots`, { GET: snapshots.listVolumeSnapshots, POST: snapshots.createVolumeSnapshot }],
  [
    `${VOLUMES}/custom/*/snapshots/*`,
    {
      GET: snapshots.showVolumeSnapshot,
      PUT: snapshots.putVolumeSnapshot,
      POST: snapshots.renameVolumeSnapshot,
      DELETE: snapshots.deleteVolumeSnapshot,
    },
  ],
  [`${VOLUMES}/*/*`, { GET: showVolume, PUT: changeVolume, PATCH: changeVolume, POST: moveVolume, DELETE: deleteVolume }],
  [`${VOLUMES}/*/*/state`, { GET: volumeState }],
];
