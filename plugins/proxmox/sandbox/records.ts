import type { Routes } from "./calls.js";

export const recordRoutes: Routes = {};
