"""The virtual air and the two ends of it: the controller that the kernel sees, and those inside the devices."""
import asyncio
import os

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.hci import LeFeatureMask
from bumble.link import LocalLink

from events import event


class Air(LocalLink):
    """Takes the sender's address from its connection: Bumble's own link takes
    every LE sender for one that uses its random address."""

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        if transport != PhysicalTransport.LE:
            return super().send_acl_data(sender_controller, destination_address, transport, data)
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None:
            return None
        asyncio.get_running_loop().call_soon(
            lambda: receiver.on_link_acl_data(connection.self_address, transport, data))

    def send_advertising_pdu(self, sender_controller, packet):
        loop = asyncio.get_running_loop()
        for c in self.controllers:
            if c is not sender_controller:
                if isinstance(c, KernelController):
                    loop.call_soon(c.on_air_pdu, sender_controller, packet)
                else:
                    loop.call_soon(c.on_ll_advertising_pdu, packet)


LEGACY_ONLY = LeFeatureMask.LE_ENCRYPTION | LeFeatureMask.LE_PING | LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION


class PeripheralController(Controller):
    le_features = LEGACY_ONLY
    le_acl_data_packet_length = 251
    deaf = False


class KernelController(Controller):
    """The controller that the kernel sees. What differs from Bumble's own is
    what the kernel relies on: the accept list, duplicate filtering, scan
    responses of their own, cancelling a connection attempt, a reset that
    resets."""

    le_features = LEGACY_ONLY
    le_acl_data_packet_length = 251
    manufacturer_company_identifier = 0x05F1

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.accept_list = set()
        self.seen = set()

    def on_hci_command_packet(self, command):
        if os.environ.get('AIR_HCI'):
            event('hci-command', name=command.name, text=str(command).replace('\n', ' ')[:300])
        super().on_hci_command_packet(command)

    def reset_links(self):
        self.accept_list.clear()
        self.seen.clear()
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_legacy_advertiser.stop()
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()

    def on_hci_reset_command(self, command):
        self.reset_links()
        event('controller-reset')
        return super().on_hci_reset_command(command)

    def on_hci_le_clear_filter_accept_list_command(self, command):
        self.accept_list.clear()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_add_device_to_filter_accept_list_command(self, command):
        self.accept_list.add((command.address_type, bytes(command.address)))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_remove_device_from_filter_accept_list_command(self, command):
        self.accept_list.discard((command.address_type, bytes(command.address)))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_set_scan_enable_command(self, command):
        self.seen.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_create_connection_cancel_command(self, command):
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(self.send_hci_packet, hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, connection_handle=0,
            role=hci.Role.CENTRAL, peer_address_type=pending.peer_address_type,
            peer_address=pending.peer_address, connection_interval=0, peripheral_latency=0,
            supervision_timeout=0, central_clock_accuracy=0))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_disconnect_command(self, command):
        """A real controller reports its host's own disconnection as 0x16."""
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, command.op_code)
            return
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        connection.send_ll_control_pdu(ll.TerminateInd(command.reason))
        self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)

    def known(self, address):
        return (address.address_type, bytes(address)) in self.accept_list

    def on_air_pdu(self, sender, pdu):
        if not isinstance(pdu, ll.AdvInd):
            return self.on_ll_advertising_pdu(pdu)
        address = pdu.advertiser_address
        pending = self.pending_le_connection
        if pending is not None:
            if pending.initiator_filter_policy == 1:
                wanted = self.known(address)
            else:
                wanted = pending.peer_address == address
            if wanted and sender.deaf:
                return None
            if wanted and sender.le_legacy_advertiser.enabled and address not in self.le_connections:
                pending.peer_address = address
                self.create_le_connection(address)
            return None
        if not self.le_scan_enable:
            return None
        if self.le_scanning_filter_policy & 1 and not self.known(address):
            return None
        if self.filter_duplicates:
            key = (address, pdu.data)
            if key in self.seen:
                return None
            self.seen.add(key)
        kinds = hci.HCI_LE_Advertising_Report_Event.EventType
        reports = [(kinds.ADV_IND, pdu.data)]
        if self.le_scan_type == 1:
            reports.append((kinds.SCAN_RSP, sender.le_legacy_advertiser.scan_response_data))
        for kind, data in reports:
            report = hci.HCI_LE_Advertising_Report_Event.Report(
                event_type=kind, address_type=address.address_type, address=address, data=data, rssi=-50)
            self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
        return None
