/**
 * Drives the adapter as CitrineOS does, against the service whose URL is the argument, and prints what came of it.
 */

import { GridpilotSmartCharging, type OpenTransaction } from './citrineos.js';
import type {
  ChargingProfileType,
  ISmartChargingOfVersion1,
  NotifyEVChargingNeedsRequest,
  PresentISmartCharging,
  TransactionDto,
} from './citrineos_interface.js';

interface Message {
  stationId: string;
  evseId: number;
  chargingProfile: ChargingProfileType;
}

const HOUR_MS = 3_600_000;
const TENANT = 1;
const site = {
  site_id: 'yard',
  zone: 'Europe/Amsterdam',
  nodes: [{ node_id: 'grid', limit_a: [32, 32, 32] }],
  stations: ['CS-1', 'CS-2'].map((name) => ({
    station_id: name,
    node_id: 'grid',
    evses: [{ evse_id: `${name}-1` }, { evse_id: `${name}-2` }],
    ocpp: { version: '2.0.1', max_periods: 48, max_stack_level: 3 },
  })),
};

const open: OpenTransaction[] = [];
const told: Message[] = [];
const warnings: string[] = [];
let refuses = false;

const adapter = new GridpilotSmartCharging<ChargingProfileType>({
  gridpilot: process.argv[2],
  state: { site, tariff: { energy_per_kwh: 0.3 } },
  openTransactions: async () => [...open],
  tell: async (_tenant, stationId, evseId, chargingProfile) => {
    if (refuses) {
      throw new Error(`${stationId} is not connected`);
    }
    told.push({ stationId, evseId, chargingProfile });
  },
  warn: (line) => warnings.push(line),
  riseAfterMs: 0,
});
// What the type checker is asked: does the adapter fit the slot, in both of its forms?
const smartCharging: PresentISmartCharging = adapter;
const version1: ISmartChargingOfVersion1 = adapter;

function needs(evseId: number, kwh: number, hours: number, tuples?: number): NotifyEVChargingNeedsRequest {
  return {
    evseId,
    maxScheduleTuples: tuples,
    chargingNeeds: {
      requestedEnergyTransfer: 'AC_three_phase' as never,
      departureTime: new Date(Date.now() + hours * HOUR_MS).toISOString(),
      acChargingParameters: { energyAmount: kwh * 1000, evMinCurrent: 6, evMaxCurrent: 32, evMaxVoltage: 230 },
    },
  };
}

function plug(transactionId: string, stationId: string, evseId: number): TransactionDto {
  open.push({ transactionId, stationId, evseId, startTime: new Date().toISOString(), totalKwh: 0 });
  return { transactionId, isActive: true };
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', String);
}

const first = plug('tx-a', 'CS-1', 1);
const alone = await smartCharging.calculateChargingProfile(needs(1, 40, 2.5), first, TENANT, 'CS-1');
const second = plug('tx-b', 'CS-2', 2);
const joined = await smartCharging.calculateChargingProfile(needs(2, 30, 2.5, 3), second, TENANT, 'CS-2');
await new Promise((resolve) => setTimeout(resolve, 200));
const toldToFirst = [...told];

const schedule = structuredClone(joined.chargingSchedule[0]);
const timeBase = schedule.startSchedule ?? '';
await smartCharging.checkLimitsOfChargingSchedule(
  { evseId: 2, timeBase, chargingSchedule: schedule }, TENANT, 'CS-2', second,
);
const afterWithin = told.length;
schedule.chargingSchedulePeriod.forEach((period) => (period.limit += 10));
await smartCharging.checkLimitsOfChargingSchedule(
  { evseId: 2, timeBase, chargingSchedule: schedule }, TENANT, 'CS-2', second,
);
const toldAgain = told.slice(afterWithin);

open[0].totalKwh = 35;
await adapter.replan(TENANT);
await new Promise((resolve) => setTimeout(resolve, 200));
const replanned = told.slice(afterWithin + 1);

plug('tx-c', 'CS-99', 1); // a station that the site does not list
refuses = true;
const third = plug('tx-d', 'CS-2', 1);
const refused = await refusal(smartCharging.calculateChargingProfile(needs(1, 20, 1), third, TENANT, 'CS-2'));
refuses = false;
const faulty = new GridpilotSmartCharging({
  gridpilot: process.argv[2],
  state: { site },
  openTransactions: async () => [],
  tell: async () => undefined,
});
const rejected = await refusal(faulty.calculateChargingProfile(needs(1, 20, 1), first, TENANT, 'CS-1'));

console.log(
  JSON.stringify({
    alone, joined, toldToFirst, toldAgain, replanned, warnings, refused, rejected, afterWithin, sameObject: version1 === smartCharging,
  }),
);
