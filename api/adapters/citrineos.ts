/**
 * CitrineOS asks Gridpilot what a car may draw: an implementation of its interface `ISmartCharging`.
 *
 * A car that tells its needs (NotifyEVChargingNeeds) makes a plan of the whole site: its own profile is returned,
 * the profiles of other cars that change by it are told through `tell`, those that fall before, those that rise
 * after. README.md beside this file says how to register it, and what it does not do.
 *
 * No imports: it needs Node.js 18 or newer for `fetch`, and compiles beside any version of CitrineOS whose
 * `ISmartCharging` knows tenants. `Profile` is that version's ChargingProfileType.
 */

const WH_PER_KWH = 1000;
const W_PER_KW = 1000;
const MS_PER_HOUR = 3_600_000;
const PHASES: Record<string, number> = { AC_single_phase: 1, AC_two_phase: 2, AC_three_phase: 3 };

/** What is read of NotifyEVChargingNeedsRequest, 2.0.1 and 2.1. */
export interface ChargingNeedsRequest {
  evseId: number;
  maxScheduleTuples?: number | null;
  chargingNeeds: {
    requestedEnergyTransfer: string;
    departureTime?: string | null;
    acChargingParameters?: { energyAmount: number; evMaxCurrent: number } | null;
    dcChargingParameters?: {
      evMaxCurrent: number;
      evMaxVoltage: number;
      evMaxPower?: number | null;
      energyAmount?: number | null;
    } | null;
  };
}

export interface ChargingSchedule {
  startSchedule?: string | null;
  duration?: number | null;
  chargingRateUnit: string;
  chargingSchedulePeriod: { startPeriod: number; limit?: number | null; numberPhases?: number | null }[];
}

/** What is read of NotifyEVChargingScheduleRequest. */
export interface ChargingScheduleRequest {
  timeBase: string;
  evseId: number;
  chargingSchedule: ChargingSchedule;
}

/** A charging profile of OCPP 2.0.1 as Gridpilot writes it. */
export interface PlannedProfile {
  id: number;
  stackLevel: number;
  chargingProfilePurpose: string;
  chargingProfileKind: string;
  chargingSchedule: ChargingSchedule[];
  transactionId?: string;
}

/** A transaction that runs at the site; `evseId` is the EVSE's number at its station, from 1. */
export interface OpenTransaction {
  transactionId: string;
  stationId: string;
  evseId: number;
  startTime?: string | null;
  totalKwh?: number | null;
}

export interface Station {
  station_id: string;
  evses: { evse_id: string }[];
  ocpp?: { version?: string; max_periods?: number };
}

export interface Options<Profile> {
  /** URL of the service, for instance http://127.0.0.1:8000. */
  gridpilot: string;
  /** What POST /v1/plans takes, without `now` and `sessions`; stations are called as CitrineOS calls them. */
  state: { site: { stations: Station[] } & Record<string, unknown> } & Record<string, unknown>;
  /** The transactions that run at the site now. */
  openTransactions: (tenantId: number) => Promise<OpenTransaction[]>;
  /** Sends SetChargingProfile to another EVSE; resolves when its station has accepted. */
  tell: (tenantId: number, stationId: string, evseId: number, chargingProfile: Profile) => Promise<void>;
  /** Takes a line that the operator should read. */
  warn?: (line: string) => void;
  /** What is taken of a car that does not say: energy [kWh] and stay [h]. */
  unknown?: { targetKwh: number; stayHours: number };
  /** How long after the asking car's profile others may rise: it has to reach its station first [ms]. */
  riseAfterMs?: number;
  timeoutMs?: number;
}

interface Needs {
  targetKwh: number;
  departure: number;
  limits: { max_current_a?: number; max_power_kw?: number; n_phases?: number };
  maxPeriods?: number;
}

interface Told {
  tenantId: number;
  stationId: string;
  evseId: number;
  profile: PlannedProfile;
}

export class GridpilotSmartCharging<Profile = PlannedProfile> {
  private readonly needs = new Map<string, Needs>();
  private readonly told = new Map<string, Told>();
  private turn: Promise<unknown> = Promise.resolve();
  private plans = 0;

  constructor(private readonly options: Options<Profile>) {}

  /**
   * Plan the site with what the car needs; returns the car's profile.
   *
   * @throws Error where no plan could be had or another station does not fall: CitrineOS then rejects the needs.
   */
  calculateChargingProfile(
    request: ChargingNeedsRequest,
    transaction: { transactionId: string },
    tenantId: number,
    stationId: string,
  ): Promise<Profile> {
    return this.inTurn(() => this.plan(request, transaction.transactionId, tenantId, stationId));
  }

  /**
   * Plan the site again and tell every car that charges: for a timer, a departure, a new limit.
   *
   * @throws Error where no plan could be had, or a station does not fall: then nobody rises.
   */
  replan(tenantId: number): Promise<void> {
    return this.inTurn(async () => {
      const now = Date.now();
      const open = await this.options.openTransactions(tenantId);
      this.forgetAllBut(open, tenantId);
      await this.tellAll(changesOf(open, await this.planned(open, now), tenantId), now);
    });
  }

  /**
   * Compare the schedule that a car chose with its profile.
   *
   * Never throws: CitrineOS answers an error with a profile of the car's own schedule, which would lift the
   * limit. What was told is told again instead, and the operator is warned.
   */
  async checkLimitsOfChargingSchedule(
    request: ChargingScheduleRequest,
    tenantId: number,
    stationId: string,
    transaction: { transactionId: string },
  ): Promise<void> {
    const told = this.told.get(transaction.transactionId);
    if (told === undefined || isWithin(request, told.profile)) {
      return;
    }
    this.warn(`${stationId}/${request.evseId}: the car's schedule exceeds its profile, which is told again`);
    await this.options
      .tell(tenantId, stationId, request.evseId, asProfile<Profile>(told.profile))
      .catch((error: unknown) => this.warn(`${stationId}/${request.evseId}: ${String(error)}`));
  }

  private async plan(
    request: ChargingNeedsRequest,
    transactionId: string,
    tenantId: number,
    stationId: string,
  ): Promise<Profile> {
    const now = Date.now();
    const asking: OpenTransaction = { transactionId, stationId, evseId: request.evseId };
    const others = await this.options.openTransactions(tenantId);
    const open = [asking, ...others.filter((other) => other.transactionId !== transactionId)];
    const own = others.find((other) => other.transactionId === transactionId);
    asking.startTime = own?.startTime;
    asking.totalKwh = own?.totalKwh;
    this.needs.set(transactionId, this.needsOf(request, asking.totalKwh ?? 0, now));
    this.forgetAllBut(open, tenantId);

    const planned = await this.planned(open, now);
    const mine = planned.get(placeOf(asking));
    if (mine === undefined) {
      throw new Error(`the plan has no profile for EVSE ${request.evseId} of ${stationId}`);
    }
    await this.tellAll(changesOf(open.slice(1), planned, tenantId), now);
    this.told.set(transactionId, { tenantId, ...asking, profile: mine });
    return asProfile<Profile>(mine);
  }

  /** One plan at a time: the next one builds on what this one told. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** Tell those that fall now, and those that rise once the asking car's profile has reached its station. */
  private async tellAll(changes: Told[], now: number): Promise<void> {
    const rising = changes.filter((change) => this.rise(change, now) > 0);
    for (const change of changes.filter((one) => !rising.includes(one))) {
      await this.tellOne(change);
    }
    const plan = ++this.plans;
    const tellUnlessOutdated = () => (plan === this.plans ? this.tellRising(rising) : undefined);
    setTimeout(() => void tellUnlessOutdated(), this.options.riseAfterMs ?? 30_000);
  }

  private async tellRising(changes: Told[]): Promise<void> {
    for (const change of changes) {
      await this.tellOne(change).catch((error: unknown) => this.warn(`${placeOf(change)}: ${String(error)}`));
    }
  }

  private async tellOne(change: Told): Promise<void> {
    await this.options.tell(
      change.tenantId, change.stationId, change.evseId, asProfile<Profile>(change.profile),
    );
    this.told.set(change.profile.transactionId ?? '', change);
  }

  /** By how much a profile raises what its EVSE may draw now; all of it where nothing was told. */
  private rise(change: Told, now: number): number {
    const before = this.told.get(change.profile.transactionId ?? '');
    const limitNow = ({ chargingSchedule: [schedule] }: PlannedProfile) =>
      limitAt(schedule, 0, now) ?? Number.MAX_VALUE;
    return limitNow(change.profile) - (before === undefined ? 0 : limitNow(before.profile));
  }

  private async planned(open: OpenTransaction[], now: number): Promise<Map<string, PlannedProfile>> {
    const answer = await fetch(`${this.options.gridpilot}/v1/plans`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(this.stateOf(open, now)),
      signal: AbortSignal.timeout(this.options.timeoutMs ?? 20_000),
    });
    if (!answer.ok) {
      throw new Error(`Gridpilot answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
    }
    const plan = (await answer.json()) as {
      profiles: {
        station_id: string;
        ocpp_version: string;
        payload: { evseId: number; chargingProfile: PlannedProfile };
      }[];
    };
    const ofTransactions = plan.profiles.filter(
      ({ ocpp_version, payload }) => ocpp_version === '2.0.1' && payload.chargingProfile.transactionId,
    );
    return new Map(
      ofTransactions.map(({ station_id, payload }) => [
        placeOf({ stationId: station_id, evseId: payload.evseId }),
        payload.chargingProfile,
      ]),
    );
  }

  private stateOf(open: OpenTransaction[], now: number): Record<string, unknown> {
    const sessions = open.flatMap((transaction) => this.sessionOf(transaction, now));
    const stations = this.options.state.site.stations.map((station) => {
      const tuples = open
        .filter(({ stationId }) => stationId === station.station_id)
        .flatMap(({ transactionId }) => this.needs.get(transactionId)?.maxPeriods ?? []);
      const most = Math.min(station.ocpp?.max_periods ?? 1024, ...tuples);
      return { ...station, ocpp: { ...station.ocpp, version: '2.0.1', max_periods: most } };
    });
    const site = { ...this.options.state.site, stations };
    return { ...this.options.state, site, now: new Date(now).toISOString(), sessions };
  }

  private sessionOf(open: OpenTransaction, now: number): Record<string, unknown>[] {
    const station = this.options.state.site.stations.find(({ station_id }) => station_id === open.stationId);
    const evse = station?.evses[open.evseId - 1];
    if (evse === undefined) {
      this.warn(`${placeOf(open)} has an open transaction and is not in the site: no plan counts what it draws`);
      return [];
    }
    const deliveredKwh = open.totalKwh ?? 0;
    const unknown = this.unknown();
    const needs = this.needs.get(open.transactionId) ?? {
      targetKwh: deliveredKwh + unknown.targetKwh,
      departure: now + unknown.stayHours * MS_PER_HOUR,
      limits: {},
    };
    return [
      {
        session_id: open.transactionId,
        transaction_id: open.transactionId,
        evse_id: evse.evse_id,
        arrival: new Date(Math.min(open.startTime ? Date.parse(open.startTime) : now, now)).toISOString(),
        // A car that overstays is there all the same: what is left of its need is planned for the next hour.
        departure: new Date(Math.max(needs.departure, now + MS_PER_HOUR)).toISOString(),
        target_kwh: needs.targetKwh,
        delivered_kwh: deliveredKwh,
        ...needs.limits,
      },
    ];
  }

  /** A car tells what it still needs: its target counts what it has already. */
  private needsOf(request: ChargingNeedsRequest, deliveredKwh: number, now: number): Needs {
    const { requestedEnergyTransfer: mode, departureTime, ...given } = request.chargingNeeds;
    const ac = given.acChargingParameters;
    const dc = given.dcChargingParameters;
    const energyWh = ac?.energyAmount ?? dc?.energyAmount;
    const unknown = this.unknown();
    const dcPowerW = dc ? (dc.evMaxPower ?? dc.evMaxCurrent * dc.evMaxVoltage) : undefined;
    return {
      targetKwh: deliveredKwh + (energyWh == null ? unknown.targetKwh : energyWh / WH_PER_KWH),
      departure: departureTime ? Date.parse(departureTime) : now + unknown.stayHours * MS_PER_HOUR,
      limits: {
        ...(ac ? { max_current_a: ac.evMaxCurrent } : {}),
        ...(ac && mode in PHASES ? { n_phases: PHASES[mode] } : {}),
        ...(dcPowerW === undefined ? {} : { max_power_kw: dcPowerW / W_PER_KW }),
      },
      maxPeriods: request.maxScheduleTuples ?? undefined,
    };
  }

  private forgetAllBut(open: OpenTransaction[], tenantId: number): void {
    const running = new Set(open.map(({ transactionId }) => transactionId));
    for (const [transactionId, told] of this.told) {
      if (told.tenantId === tenantId && !running.has(transactionId)) {
        this.told.delete(transactionId);
        this.needs.delete(transactionId);
      }
    }
  }

  private unknown(): { targetKwh: number; stayHours: number } {
    return this.options.unknown ?? { targetKwh: 20, stayHours: 8 };
  }

  private warn(line: string): void {
    (this.options.warn ?? console.warn)(line);
  }
}

/** Whether a chosen schedule stays within the told one at every moment at which either changes. */
export function isWithin(chosen: ChargingScheduleRequest, told: PlannedProfile): boolean {
  const allowed = told.chargingSchedule[0];
  const base = Date.parse(chosen.timeBase);
  if (chosen.chargingSchedule.chargingRateUnit !== allowed.chargingRateUnit) {
    return false; // amperes and watts cannot be compared without knowing the voltage and the phases in use
  }
  const moments = [...startsOf(chosen.chargingSchedule, base), ...startsOf(allowed, base)];
  return moments.every((moment) => {
    const wanted = limitAt(chosen.chargingSchedule, base, moment);
    return wanted === undefined || wanted <= (limitAt(allowed, base, moment) ?? Infinity) + 1e-6;
  });
}

function startsOf(schedule: ChargingSchedule, base: number): number[] {
  const start = schedule.startSchedule ? Date.parse(schedule.startSchedule) : base;
  return schedule.chargingSchedulePeriod.map(({ startPeriod }) => start + startPeriod * 1000);
}

/** What a schedule allows at a moment; undefined before its start and after its end. */
function limitAt(schedule: ChargingSchedule, base: number, moment: number): number | undefined {
  const starts = startsOf(schedule, base);
  const end = schedule.duration == null ? Infinity : starts[0] + schedule.duration * 1000;
  const begun = schedule.chargingSchedulePeriod.filter((_, index) => starts[index] <= moment);
  return moment < end ? (begun.at(-1)?.limit ?? undefined) : undefined;
}

function changesOf(open: OpenTransaction[], planned: Map<string, PlannedProfile>, tenantId: number): Told[] {
  return open.flatMap(({ stationId, evseId }): Told[] => {
    const profile = planned.get(placeOf({ stationId, evseId }));
    return profile === undefined ? [] : [{ tenantId, stationId, evseId, profile }];
  });
}

function placeOf(place: { stationId: string; evseId: number }): string {
  return `${place.stationId}/${place.evseId}`;
}

/** The same document under the name that CitrineOS has for it: its enumerations are these very strings. */
function asProfile<Profile>(profile: PlannedProfile): Profile {
  return profile as unknown as Profile;
}
