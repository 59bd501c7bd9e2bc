import { type Call, flag, may, Refusal, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";
import { resourceRow } from "./rows.js";

export const poolRoutes: Routes = {
  "GET /pools": {
    run: (call) => {
      const all = [...call.cluster.pools].filter(([poolid]) => may(call, `/pool/${poolid}`, "Pool.Audit"));
      const wanted = call.parameters.poolid;
      if (wanted === undefined) return all.map(([poolid, comment]) => ({ poolid, comment }));
      return [{ poolid: wanted, ...pool(call, String(wanted)) }];
    },
  },
  "GET /pools/{poolid}": {
    needs: (call) => [`/pool/${text(call, "poolid")}`, "Pool.Audit"],
    run: (call) => ({ poolid: text(call, "poolid"), ...pool(call, text(call, "poolid")) }),
  },
  "POST /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      if (call.cluster.pools.has(id)) throw new Refusal(500, `create pool failed: pool '${id}' already exists`);
      call.cluster.pools.set(id, text(call, "comment"));
      return null;
    },
  },
  "PUT /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      pool(call, id);
      if (call.parameters.comment !== undefined) call.cluster.pools.set(id, text(call, "comment"));
      for (const vmid of text(call, "vms").split(",").filter(Boolean)) {
        const guest = call.cluster.byId(Number(vmid));
        if (flag(call, "delete") && guest) delete guest.pool;
        else if (guest?.pool === id) throw new Refusal(500, `update pools failed: VM ${vmid} is already a pool member`);
        else if (guest?.pool !== undefined && !flag(call, "allow-move"))
          throw new Refusal(500, `update pools failed: VM ${vmid} belongs already to pool '${guest.pool}' and 'allow-move' is not set`);
        else if (guest) guest.pool = id;
      }
      return null;
    },
  },
  "DELETE /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      const { members } = pool(call, id);
      if (members.length > 0) throw new Refusal(500, `delete pool failed: pool '${id}' is not empty`);
      call.cluster.pools.delete(id);
      return null;
    },
  },
};

function pool(call: Call, poolid: string): { comment: string; members: Row[] } {
  const comment = call.cluster.pools.get(poolid);
  if (comment === undefined) throw new Refusal(500, `pool '${poolid}' does not exist`);
  const members = call.cluster.guests.filter((guest) => guest.pool === poolid).map(resourceRow);
  return { comment, members: members.map(({ pool: _in, tags: _tags, ...row }) => row) };
}
