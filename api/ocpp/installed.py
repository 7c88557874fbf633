"""The profiles that a station is believed to hold: its memory as OCPP prescribes it (1.6 5.16.4, 2.0.1 K01)."""

from api.ocpp.charging_profile import ChargingProfile, ProfileSelection


def with_installed(
    profiles: tuple[ChargingProfile, ...], new: ChargingProfile
) -> tuple[ChargingProfile, ...]:
    """Add a profile, which replaces one of its number, and one of its purpose and stack level on that EVSE."""
    return (*(old for old in profiles if not _replaces(new, old)), new)


def without_selected(
    profiles: tuple[ChargingProfile, ...], selection: ProfileSelection
) -> tuple[ChargingProfile, ...]:
    """Remove the profiles that a station clears."""
    return tuple(profile for profile in profiles if not _is_selected(profile, selection))


def without_transaction(
    profiles: tuple[ChargingProfile, ...], transaction_id: str
) -> tuple[ChargingProfile, ...]:
    """Remove the profiles that end with their transaction."""
    return tuple(profile for profile in profiles if profile.transaction_id != transaction_id)


def _replaces(new: ChargingProfile, old: ChargingProfile) -> bool:
    """Tell whether a station forgets ``old`` when it takes ``new``."""
    same_place = (new.evse_number, new.purpose, new.stack_level) == (
        old.evse_number,
        old.purpose,
        old.stack_level,
    )
    return same_place or new.profile_id == old.profile_id


def _is_selected(profile: ChargingProfile, selection: ProfileSelection) -> bool:
    """Tell whether a selection means a profile: a number counts alone, all else together."""
    if selection.profile_id is not None:
        return profile.profile_id == selection.profile_id
    return (
        selection.evse_number in (None, profile.evse_number)
        and selection.purpose in (None, profile.purpose)
        and selection.stack_level in (None, profile.stack_level)
    )
