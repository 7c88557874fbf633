/**
 * The part of CitrineOS that its slot for smart charging is made of, as its public repository
 * citrineos/citrineos-core declares it: `ISmartCharging` and the types in its signatures, fields that the adapter
 * neither reads nor writes left out. Written down here because the packages that hold them (@citrineos/types,
 * @citrineos/dal) are in no registry.
 *
 * Present: modules/SmartCharging/SmartCharging.ts (2026), with the types of OCPP 2.1 and the DTO of a transaction.
 * Version 1: 03_Modules/SmartCharging/src/module/smartCharging/SmartCharging.ts (2025), with those of 2.0.1,
 * which @citrineos/base 1.8 exports, and the database's transaction.
 */

declare enum EnergyTransferModeEnumType {
  DC = 'DC',
  AC_single_phase = 'AC_single_phase',
  AC_two_phase = 'AC_two_phase',
  AC_three_phase = 'AC_three_phase',
}
declare enum ChargingProfilePurposeEnumType {
  TxProfile = 'TxProfile',
}
declare enum ChargingProfileKindEnumType {
  Absolute = 'Absolute',
}
declare enum ChargingRateUnitEnumType {
  W = 'W',
  A = 'A',
}

interface ChargingScheduleType {
  id: number;
  startSchedule?: string | null;
  duration?: number | null;
  chargingRateUnit: ChargingRateUnitEnumType;
  chargingSchedulePeriod: [ChargingSchedulePeriodType, ...ChargingSchedulePeriodType[]];
  minChargingRate?: number | null;
}
interface ACChargingParametersType {
  energyAmount: number;
  evMinCurrent: number;
  evMaxCurrent: number;
  evMaxVoltage: number;
}
interface DCChargingParametersType {
  evMaxCurrent: number;
  evMaxVoltage: number;
  energyAmount?: number | null;
  evMaxPower?: number | null;
  stateOfCharge?: number | null;
}
interface ChargingNeedsType {
  acChargingParameters?: ACChargingParametersType | null;
  dcChargingParameters?: DCChargingParametersType | null;
  requestedEnergyTransfer: EnergyTransferModeEnumType;
  departureTime?: string | null;
}
interface ChargingSchedulePeriodType {
  startPeriod: number;
  limit: number;
  numberPhases?: number | null;
  phaseToUse?: number | null;
}

export interface NotifyEVChargingNeedsRequest {
  maxScheduleTuples?: number | null;
  chargingNeeds: ChargingNeedsType;
  evseId: number;
}
export interface NotifyEVChargingScheduleRequest {
  timeBase: string;
  chargingSchedule: ChargingScheduleType;
  evseId: number;
}
export interface ChargingProfileType {
  id: number;
  stackLevel: number;
  chargingProfilePurpose: ChargingProfilePurposeEnumType;
  chargingProfileKind: ChargingProfileKindEnumType;
  validFrom?: string | null;
  validTo?: string | null;
  chargingSchedule:
    | [ChargingScheduleType]
    | [ChargingScheduleType, ChargingScheduleType]
    | [ChargingScheduleType, ChargingScheduleType, ChargingScheduleType];
  transactionId?: string | null;
}

/** OCPP 2.1 has more: in a period `limit` may be absent, beside it stand setpoints and limits by phase. */
export declare namespace OCPP2_1 {
  interface NotifyEVChargingScheduleRequest {
    timeBase: string;
    chargingSchedule: Omit<ChargingScheduleType, 'chargingSchedulePeriod'> & {
      chargingSchedulePeriod: (Omit<ChargingSchedulePeriodType, 'limit'> & { limit?: number | null })[];
      limitAtSoC?: { soc: number; limit: number } | null;
    };
    evseId: number;
    selectedChargingScheduleId?: number | null;
  }
}

export interface TransactionDto {
  id?: number;
  transactionId: string;
  isActive: boolean;
  totalKwh?: number | null;
  startTime?: string;
}
export declare class Transaction {
  id: number;
  transactionId: string;
  isActive: boolean;
  totalKwh?: number | null;
}

/** The interface of 2026. */
export interface PresentISmartCharging {
  calculateChargingProfile(
    request: NotifyEVChargingNeedsRequest,
    transaction: TransactionDto,
    tenantId: number,
    ocppConnectionName: string,
  ): Promise<ChargingProfileType>;
  checkLimitsOfChargingSchedule(
    request: OCPP2_1.NotifyEVChargingScheduleRequest,
    tenantId: number,
    ocppConnectionName: string,
    transaction: TransactionDto,
  ): Promise<void>;
}

/** The interface of 2025. */
export interface ISmartChargingOfVersion1 {
  calculateChargingProfile(
    request: NotifyEVChargingNeedsRequest,
    transaction: Transaction,
    tenantId: number,
    stationId: string,
  ): Promise<ChargingProfileType>;
  checkLimitsOfChargingSchedule(
    request: NotifyEVChargingScheduleRequest,
    tenantId: number,
    stationId: string,
    transaction: Transaction,
  ): Promise<void>;
}
